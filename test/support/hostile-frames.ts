import { pick } from './random.ts'

export interface HostileFramesOptions {
  /** Of channels that others use. */
  topics: readonly string[]
  /** Good ones and bad ones. */
  tokens: readonly string[]
}

type Vsn = '1.0.0' | '2.0.0'

const TEXTS = [
  '',
  ' ',
  '*',
  'null',
  '__proto__',
  'constructor',
  'realtime:',
  'phoenix',
  'a'.repeat(255),
  'b'.repeat(300),
  'é😀\u0000\u202e',
  '\ud800',
  "'; drop table shifts; --",
  '../../etc',
  '{{x}}%s%n',
]
const EVENTS = [
  'phx_join',
  'phx_join',
  'phx_join',
  'phx_leave',
  'access_token',
  'broadcast',
  'broadcast',
  'presence',
  'heartbeat',
  'phx_close',
  'phx_error',
  'phx_reply',
  'system',
  'postgres_changes',
]
const OPERATORS = ['eq', 'neq', 'in', 'like', 'imatch', 'is', 'gt', 'nonsense', 'not.not.eq']
/** What is nested deeper than a stack likes. */
const DEEP = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
/** Once in so many frames: they are large. */
const GIANT_EVERY = 500
const GIANT_CHARACTERS = 1_000_000
const MOST_REMEMBERED = 200

/** Frames that no client sends, as the random numbers have it. */
export class HostileFrames {
  readonly #random: () => number
  readonly #options: HostileFramesOptions
  /** To be sent again, by whomever. */
  readonly #sent: (string | Buffer)[] = []
  #count = 0

  constructor(random: () => number, options: HostileFramesOptions) {
    this.#random = random
    this.#options = options
  }

  next(vsn: Vsn): string | Buffer {
    this.#count += 1
    const frame = this.#make(vsn)
    if (this.#sent.length < MOST_REMEMBERED) this.#sent.push(frame)
    else if (frame.length < 10_000) this.#sent[this.#below(MOST_REMEMBERED)] = frame
    return frame
  }

  #make(vsn: Vsn): string | Buffer {
    if (this.#count % GIANT_EVERY === 0) return this.#text(vsn, { payload: 'x'.repeat(GIANT_CHARACTERS) })
    const kind = this.#random()
    if (kind < 0.08 && this.#sent.length > 0) return pick(this.#random, this.#sent)
    if (kind < 0.16) return this.#bytes(1 + this.#below(300))
    if (kind < 0.3) return this.#binary()
    if (kind < 0.34) return this.#deep(vsn)
    if (kind < 0.42) return this.#cut(this.#text(vsn, this.#payload()))
    if (kind < 0.46) return JSON.stringify(this.#value(3)) ?? ''
    // Right in all, and so that others have to be refused.
    if (kind < 0.54) return this.#join(vsn)
    // Of the other version.
    if (kind < 0.57) return this.#text(vsn === '2.0.0' ? '1.0.0' : '2.0.0', this.#payload())
    return this.#text(vsn, this.#payload())
  }

  #text(vsn: Vsn, payload: unknown): string {
    const [joinRef, ref, topic, event] = [this.#ref(), this.#ref(), this.#topic(), this.#event()]
    return vsn === '2.0.0'
      ? JSON.stringify([joinRef, ref, topic, event, payload])
      : JSON.stringify({ topic, event, payload, ref, join_ref: joinRef })
  }

  #join(vsn: Vsn): string {
    const topic = `realtime:${this.#below(30)}`
    const bindings = Array.from({ length: 1 + this.#below(3) }, () => ({
      event: '*',
      schema: 'public',
      table: pick(this.#random, ['shifts', 'incidents', 'gps_checkins', '*']),
    }))
    const payload = {
      config: { postgres_changes: bindings, presence: { key: this.#string(), enabled: true } },
    }
    const ref = String(this.#below(5))
    return vsn === '2.0.0'
      ? JSON.stringify([ref, ref, topic, 'phx_join', payload])
      : JSON.stringify({ topic, event: 'phx_join', payload, ref, join_ref: ref })
  }

  /** Well formed but for its depth. */
  #deep(vsn: Vsn): string {
    const payload = `{"type":"broadcast","event":"e","payload":${DEEP}}`
    return vsn === '2.0.0'
      ? `["1","1","realtime:public","broadcast",${payload}]`
      : `{"topic":"realtime:public","event":"broadcast","payload":${payload},"ref":"1"}`
  }

  /** Kind 3, mostly with lengths that are right; the kind, a length or the body may not be. */
  #binary(): Buffer {
    const strings = [
      this.#ref(),
      this.#ref(),
      this.#topic(),
      this.#event(),
      pick(this.#random, ['', '{}', '[', DEEP]),
    ].map((value) => Buffer.from(String(value ?? '')).subarray(0, 255))
    const head = [
      pick(this.#random, [3, 3, 3, 3, 0, 4, 255]),
      ...strings.map(({ length }) => length),
      this.#below(3),
    ]
    if (this.#random() < 0.2) head[1 + this.#below(6)] = this.#below(256)
    const body =
      this.#random() < 0.5
        ? this.#bytes(this.#below(100))
        : Buffer.from(JSON.stringify(this.#payload()) ?? '')
    const frame = Buffer.concat([Buffer.from(head), ...strings, body])
    return this.#random() < 0.2 ? frame.subarray(0, this.#below(frame.length)) : frame
  }

  #payload(): unknown {
    const kind = this.#random()
    if (kind < 0.1) return pick(this.#random, [null, undefined, [], '', 0, true])
    if (kind < 0.35) return { config: this.#config(), ...this.#maybe('access_token', this.#token()) }
    if (kind < 0.45) return { access_token: this.#token() }
    if (kind < 0.6) return { type: 'broadcast', event: this.#event(), payload: this.#value(2) }
    if (kind < 0.8) {
      const event = pick(this.#random, ['track', 'untrack', 'TRACK', 'steal', null])
      const payload = this.#random() < 0.1 ? { long: 'x'.repeat(20_000) } : this.#value(2)
      return { type: 'presence', event, payload }
    }
    return this.#value(3)
  }

  #config(): unknown {
    const bindings = Array.from({ length: pick(this.#random, [0, 1, 1, 2, 5, 150]) }, () => ({
      event: pick(this.#random, ['*', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', null]),
      schema: pick(this.#random, ['public', '*', 'pg_catalog', 'muster', this.#string()]),
      table: pick(this.#random, ['shifts', 'shifts', 'incidents', 'users', '*', 'pg_authid', this.#string()]),
      ...this.#maybe(
        'filter',
        `${pick(this.#random, ['id', 'status', 'title', this.#string()])}=${pick(this.#random, OPERATORS)}.${this.#string()}`,
      ),
      ...this.#maybe('select', [pick(this.#random, ['id', 'title', '*', this.#string()])]),
    }))
    return pick(this.#random, [
      { postgres_changes: bindings },
      { postgres_changes: bindings, private: this.#random() < 0.5, broadcast: { self: true, ack: true } },
      { private: true },
      { presence: { key: this.#string(), enabled: true } },
      { presence: { key: this.#value(1), enabled: this.#value(0) }, broadcast: this.#value(2) },
      { postgres_changes: this.#value(2), postgres_changes_options: { wait: true, timeout: this.#value(0) } },
      this.#value(2),
    ])
  }

  #value(depth: number): unknown {
    const kind = this.#random()
    if (depth > 0 && kind < 0.3) return Array.from({ length: this.#below(5) }, () => this.#value(depth - 1))
    if (depth > 0 && kind < 0.6) {
      return Object.fromEntries(
        Array.from({ length: this.#below(5) }, () => [this.#string(), this.#value(depth - 1)]),
      )
    }
    return pick(this.#random, [null, true, false, 0, -1, 1e308, 2 ** 53, this.#string(), this.#string()])
  }

  #ref(): unknown {
    return pick(this.#random, ['1', '2', null, undefined, 3, '', {}, [], this.#string()])
  }

  #topic(): unknown {
    const kind = this.#random()
    if (kind < 0.5) return pick(this.#random, this.#options.topics)
    if (kind < 0.9) return `realtime:${pick(this.#random, TEXTS)}${this.#below(50)}`
    return this.#value(1)
  }

  #event(): unknown {
    return this.#random() < 0.9 ? pick(this.#random, EVENTS) : this.#value(1)
  }

  #token(): unknown {
    return this.#random() < 0.6 ? pick(this.#random, this.#options.tokens) : this.#value(1)
  }

  #string(): string {
    return pick(this.#random, TEXTS)
  }

  #maybe(name: string, value: unknown): object {
    return this.#random() < 0.5 ? { [name]: value } : {}
  }

  #cut(text: string): string {
    return text.slice(0, this.#below(text.length))
  }

  #bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.#below(256)))
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}
