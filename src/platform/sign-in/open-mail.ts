import type { Config } from '../../config.ts'
import type { Logger } from '../log.ts'
import { Streak } from '../streak.ts'
import { type DeliveryOptions, mails, openDelivery } from './delivery.ts'
import type { Mailer } from './mail.ts'
import { type Mailbox, openMailbox } from './mailbox.ts'
import { openSmtp } from './smtp.ts'
import { writeLetter } from './texts.ts'

export interface MailService {
  readonly mailer: Mailer
  /** Set where mails end in the memory of this process. */
  readonly mailbox: Mailbox | undefined
  /** Mails that are not delivered yet. */
  readonly waiting: number
  /** Delivers what waits until the deadline, and closes the connections. */
  stop(deadlineMs: number): Promise<void>
}

type MailSettings = Pick<Config, 'NODE_ENV' | 'SMTP_URL' | 'MAIL_FROM'>

/** Nobody could answer it, and no mail leaves the machine with it. */
const NO_SENDER = 'Muster <muster@localhost>'

/**
 * Mail by SMTP where it is set; a mailbox in memory in development; nothing in production without SMTP: each mail is then counted as
 * dropped, and said in the log.
 */
export function openMail(
  { NODE_ENV, SMTP_URL, MAIL_FROM }: MailSettings,
  log: Logger,
  options: Pick<DeliveryOptions, 'retryAfterMs'> = {},
): MailService {
  const smtp = SMTP_URL === undefined ? undefined : openSmtp({ url: SMTP_URL, from: MAIL_FROM ?? NO_SENDER })
  const mailbox = smtp || NODE_ENV === 'production' ? undefined : openMailbox()
  const deliver = smtp?.deliver ?? mailbox?.deliver
  const queue =
    deliver &&
    openDelivery({
      ...options,
      deliver,
      log,
      streak: new Streak({
        log,
        failed: 'mail: the SMTP server takes no mail; mails wait and are tried again, up to 8 minutes',
        recovered: 'mail: the SMTP server takes mails again',
      }),
    })
  return {
    mailbox,
    get waiting() {
      return queue?.waiting ?? 0
    },
    mailer: {
      async send(mail) {
        if (!queue) {
          mails.add('dropped')
          log.error({ kind: mail.kind }, 'mail: dropped, because SMTP_URL is not set')
          return
        }
        queue.add({ kind: mail.kind, to: mail.to, letter: writeLetter(mail, Date.now()) })
      },
    },
    async stop(deadlineMs) {
      await queue?.stop(deadlineMs)
      smtp?.close()
    },
  }
}
