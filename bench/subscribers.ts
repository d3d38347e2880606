import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import WebSocket from 'ws'

/*
 * The process of the subscribers: apart from the service and from whoever writes. Arrivals are told by the monotonic clock
 * of the machine (`process.hrtime`), which every process reads alike.
 */

export interface SubscribeJob {
  origin: string
  /** Of the service, or of the bare feed, which sends a client what its `follow` names, and asks nothing. */
  through: 'muster' | 'bare feed'
  table: string
  /** One subscriber for each. The first is an unmodified supabase-js, the others are plain sockets. */
  subscribers: { token: string; userId: string }[]
  /** Whether a change is for one of them (by `user_id`) or for all: the bare feed cannot know. */
  receivers: 'one' | 'all'
}

/** When a change arrived, in microseconds of the machine's clock. */
export interface Arrival {
  first: number
  last: number
  count: number
}

export type SubscriberRequest =
  | { open: SubscribeJob }
  /** Waits until each of the changes `from` to `to` (not included) has come to `receivers`, or the time is over. */
  | { collect: { from: number; to: number; receivers: number; patienceMs: number } }
  | { close: true }

/** Arrivals from `from` on, undefined for what did not come; and how often a gap was told since the last answer. */
export interface Collected {
  arrivals: (Arrival | undefined)[]
  gaps: number
}

/** Each change carries this and its number, in whatever column. */
export const MARK = 'bench '

export const nowMicros = (): number => Number(process.hrtime.bigint() / 1000n)

/** Clients of the protocol send one every 25 s, and are cut after 60 s without. */
const HEARTBEAT_INTERVAL_MS = 25_000
/** So many joins are under way at once: a thousand in one moment would measure nothing but themselves. */
const JOINING_AT_ONCE = 50
const LOOK_INTERVAL_MS = 20

class Subscribers {
  readonly #arrivals = new Map<number, Arrival>()
  readonly #sockets: WebSocket[] = []
  #client: SupabaseClient | undefined
  #beating: NodeJS.Timeout | undefined
  #gaps = 0

  async open(job: SubscribeJob): Promise<void> {
    const plain = job.through === 'muster' ? job.subscribers.slice(1) : job.subscribers
    if (job.through === 'muster') await this.#openClient(job, job.subscribers[0]!.token)
    for (let at = 0; at < plain.length; at += JOINING_AT_ONCE) {
      await Promise.all(plain.slice(at, at + JOINING_AT_ONCE).map((each) => this.#openSocket(job, each)))
    }
    this.#beating = setInterval(() => {
      for (const socket of this.#sockets) socket.send('[null,"beat","phoenix","heartbeat",{}]')
    }, HEARTBEAT_INTERVAL_MS)
  }

  async collect(wanted: Extract<SubscriberRequest, { collect: unknown }>['collect']): Promise<Collected> {
    const { from, to, receivers, patienceMs } = wanted
    const numbers = Array.from({ length: to - from }, (_, index) => from + index)
    const isComplete = (): boolean => numbers.every((n) => (this.#arrivals.get(n)?.count ?? 0) >= receivers)
    const deadline = performance.now() + patienceMs
    while (!isComplete() && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS))
    }
    const collected = { arrivals: numbers.map((n) => this.#arrivals.get(n)), gaps: this.#gaps }
    this.#arrivals.clear()
    this.#gaps = 0
    return collected
  }

  async close(): Promise<void> {
    clearInterval(this.#beating)
    await this.#client?.realtime.disconnect()
    this.#client = undefined
    for (const socket of this.#sockets) socket.terminate()
    this.#sockets.length = 0
    this.#arrivals.clear()
    this.#gaps = 0
  }

  #note(text: string): void {
    const at = text.indexOf(MARK)
    if (at < 0) return
    const now = nowMicros()
    const nth = Number.parseInt(text.slice(at + MARK.length), 10)
    const known = this.#arrivals.get(nth)
    if (known) {
      known.last = now
      known.count += 1
    } else {
      this.#arrivals.set(nth, { first: now, last: now, count: 1 })
    }
  }

  async #openClient({ origin, table }: SubscribeJob, token: string): Promise<void> {
    const client = createClient(origin, token, { accessToken: async () => token })
    this.#client = client
    await client.realtime.setAuth()
    await new Promise<void>((resolve, reject) => {
      client
        .channel('bench')
        .on('postgres_changes', { event: '*', schema: 'public', table }, ({ new: row }) => {
          this.#note(JSON.stringify(row))
        })
        .subscribe((status, error) => {
          if (status === 'SUBSCRIBED') return resolve()
          this.#gaps += 1
          reject(error ?? new Error(status))
        })
    })
  }

  async #openSocket(
    { origin, through, table, receivers }: SubscribeJob,
    { token, userId }: SubscribeJob['subscribers'][number],
  ): Promise<void> {
    const base = origin.replace(/^http/, 'ws')
    const wanted = receivers === 'one' ? `&user_id=${userId}` : ''
    const socket = new WebSocket(
      through === 'muster'
        ? `${base}/realtime/v1/websocket?apikey=${token}&vsn=2.0.0`
        : `${base}/?table=${table}${wanted}`,
      { perMessageDeflate: false },
    )
    this.#sockets.push(socket)
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('open', () => {
        if (through === 'bare feed') return resolve()
        const config = { postgres_changes: [{ event: '*', schema: 'public', table }] }
        socket.send(JSON.stringify(['1', '1', 'realtime:bench', 'phx_join', { config, access_token: token }]))
      })
      socket.on('message', (data) => {
        const text = String(data)
        if (text.includes('"phx_reply"')) {
          if (text.startsWith('["1"')) text.includes('"status":"ok"') ? resolve() : reject(new Error(text))
        } else if (text.includes('"phx_error"')) {
          this.#gaps += 1
        } else {
          this.#note(text)
        }
      })
    })
  }
}

if (process.send) {
  const subscribers = new Subscribers()
  process.on('message', async (request: SubscriberRequest) => {
    try {
      const result =
        'open' in request
          ? await subscribers.open(request.open)
          : 'collect' in request
            ? await subscribers.collect(request.collect)
            : await subscribers.close()
      process.send!({ result })
    } catch (error) {
      process.send!({ error: String(error) })
    }
  })
  // The benchmark has gone.
  process.on('disconnect', () => process.exit())
}
