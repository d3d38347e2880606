/** What sign-in tells people by mail. The texts are the mailer's. */
export type MailKind = 'invitation' | 'magic_link' | 'code' | 'reset_password' | 'password_changed'

export const MAIL_LANGUAGES = ['nl', 'en'] as const
export type MailLanguage = (typeof MAIL_LANGUAGES)[number]

export interface Mail {
  to: string
  kind: MailKind
  language: MailLanguage
  /** What its text names: `url` of a link or `code`, and when it is over (`expires_at`); of an invitation also `tenant_name`, `organization_name` and `role`. */
  data: Readonly<Record<string, string>>
}

/** Sends mail. It is called beside the request, which does not wait for it: what it throws is logged. */
export interface Mailer {
  send(mail: Mail): Promise<void>
}

/** Nobody gets anything. */
export const NO_MAIL: Mailer = { send: async () => {} }

/** Keeps what would be sent, for tests. */
export function recordingMailer(): Mailer & { readonly sent: Mail[] } {
  const sent: Mail[] = []
  return {
    sent,
    async send(mail) {
      sent.push(mail)
    },
  }
}
