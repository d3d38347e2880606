import type { Logger } from '../log.ts'
import type { SignInDatabase } from './database.ts'
import type { Mail, Mailer, MailKind, MailLanguage } from './mail.ts'
import { requestContext } from './request-context.ts'

/** Kinds that only somebody who has an account gets; to others nothing is sent, and nobody who asked can tell. */
const TO_ACCOUNTS: ReadonlySet<Mail['kind']> = new Set([
  'magic_link',
  'code',
  'reset_password',
  'password_changed',
])

/** More than a mail server takes in a minute: from here on the oldest are given up. */
const MOST_WAITING = 1_000

/** A mail server that answers nothing is not waited for longer; its own timeouts are shorter. */
const CLOSE_TIMEOUT_MS = 5_000

/**
 * Mail that waits to be sent, one after the other, beside the requests: how long an answer takes does not tell whether anything was
 * sent. It is lost with the process: links and codes are asked for again, and an invitation has its code.
 */
export class MailQueue {
  readonly #parts: { mailer: Mailer; database: SignInDatabase; log: Logger }
  readonly #waiting: { kind: MailKind; work: () => Promise<void> }[] = []
  #sending: Promise<void> | undefined
  #closed = false
  /** Since the start. */
  queued = 0

  constructor(parts: { mailer: Mailer; database: SignInDatabase; log: Logger }) {
    this.#parts = parts
  }

  get language(): MailLanguage {
    return requestContext()?.language ?? 'nl'
  }

  /** What waits when it is closed may still end in a mail. */
  get #isOver(): boolean {
    return this.#closed && !this.#sending
  }

  add(mail: Mail): void {
    if (this.#isOver) return
    const context = requestContext()
    if (context) context.hasQueued = true
    this.queued += 1
    this.beside(mail.kind, async () => {
      if (await this.#mayHave(mail)) await this.#parts.mailer.send(mail)
    })
  }

  /**
   * Does what ends in a mail, beside the requests as mails are sent. Where it fails, that is logged, and whoever waits for the mail
   * has to ask again.
   *
   * @param kind of the mail
   */
  beside(kind: MailKind, work: () => Promise<void>): void {
    if (this.#isOver) return
    this.#waiting.push({ kind, work })
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift()
    // Not before the request has been answered.
    this.#sending ??= new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#send())
      .finally(() => {
        this.#sending = undefined
      })
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.#sending) await this.#sending
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.race([
      this.idle(),
      new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref()),
    ])
  }

  async #send(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      try {
        await next.work()
      } catch (error) {
        // Neither the address nor what the mail server says, which quotes it.
        this.#parts.log.error(
          { kind: next.kind, reason: error instanceof Error ? error.name : 'unknown' },
          'sign-in: a mail could not be sent; whoever waits for it has to ask again',
        )
      }
    }
  }

  async #mayHave({ kind, to, data }: Mail): Promise<boolean> {
    if (!TO_ACCOUNTS.has(kind)) return true
    // Whoever came with a tenant, or by the tokens of another issuer, gets the account of their user: the mailbox proves who they are.
    const [found] = await this.#parts.database.query<{ known: boolean }>(
      `with adopted as (
         insert into sign_in.users (id, name, email)
         select u.id, u.name, lower($1) from muster.user_of_address($1) u
         on conflict do nothing
         returning id
       )
       select exists (select from adopted)
         or exists (select from sign_in.users u where u.email = lower($1) and muster.may_sign_in(u.id)) as known`,
      [to],
    )
    // Without data nobody could use it: it was queued so that as much is done for an address that nobody has.
    return found?.known === true && Object.keys(data).length > 0
  }
}
