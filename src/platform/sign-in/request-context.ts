import { AsyncLocalStorage } from 'node:async_hooks'
import type { MailLanguage } from './mail.ts'

/** What the callbacks that better-auth calls have no other way to: of which request they are. */
interface RequestContext {
  readonly language: MailLanguage
  hasQueued: boolean
  /** Statements on the tables of sign-in. */
  asked: number
}

const storage = new AsyncLocalStorage<RequestContext>()

export const requestContext = (): RequestContext | undefined => storage.getStore()

/** @returns with what was done, whether a mail was queued, and how many statements it took */
export async function forRequest<T>(
  language: MailLanguage,
  work: () => Promise<T>,
): Promise<{ done: T; hasQueued: boolean; asked: number }> {
  const context: RequestContext = { language, hasQueued: false, asked: 0 }
  const done = await storage.run(context, work)
  return { done, hasQueued: context.hasQueued, asked: context.asked }
}
