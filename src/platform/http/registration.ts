import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Caller } from '../auth/caller.ts'
import { functionCall } from '../db/function-call.ts'
import type { Sessions } from '../db/session.ts'
import { Problem } from './problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Under `/v1`: also answers users who are not registered. */
    unregistered?: boolean
  }
}

/** Users who are remembered as registered, some 100 bytes each: as many as call one process in a day. */
const MAX_REMEMBERED = 50_000

/**
 * Whoever has a token but no row in `users` is refused before anything is done for them: the body is not read, and the database
 * looks up one key. Anybody who may sign up at the issuer has such a token.
 *
 * Who was found once is not looked up again. That a user was removed since is for the rules of the database to say, as ever; who
 * is registered now is let in at once, for nobody is remembered as missing.
 */
export const registration = fastifyPlugin(
  async (app: FastifyInstance, { sessions }: { sessions: Sessions }) => {
    const registered = new Set<string>()
    const underWay = new Map<string, Promise<boolean>>()

    const isRegistered = (caller: Caller & { userId: string }): Promise<boolean> => {
      const asked = underWay.get(caller.userId)
      if (asked) return asked
      const answer = lookUp(sessions, caller).finally(() => underWay.delete(caller.userId))
      underWay.set(caller.userId, answer)
      return answer
    }

    const admit = async (caller: Caller & { userId: string }): Promise<void> => {
      if (!(await isRegistered(caller))) throw new Problem('not_registered')
      if (registered.size >= MAX_REMEMBERED) registered.clear()
      registered.add(caller.userId)
    }

    // By a callback: nearly everybody is known, and a promise costs more than to look.
    app.addHook('onRequest', ({ caller, routeOptions: { config } }, _reply, done) => {
      const { userId } = caller
      if (userId === null || config.unregistered || registered.has(userId)) return done()
      admit({ ...caller, userId }).then(() => done(), done)
    })
  },
  { name: 'registration', fastify: '5.x', dependencies: ['authentication'] },
)

const OWN_TENANT = functionCall('muster.tenant_id', [], { is_registered: 'answer is not null' })

/** On the primary: who was registered a moment ago must not be told that they are not. */
async function lookUp(sessions: Sessions, caller: Caller): Promise<boolean> {
  const { is_registered } = await sessions.call<{ is_registered: boolean }>(caller, OWN_TENANT, [])
  return is_registered
}
