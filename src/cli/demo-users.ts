import { v5 } from 'uuid'
import { DEMO_USERS as OF_FREIGHT } from '../freight/demo/users.ts'
import { DEMO_USERS as OF_GUARDING } from '../guarding/demo/users.ts'

/** Of ours alone: a random UUID, as RFC 9562, section 6.6, has it for namespaces of one's own. */
const NAMESPACE = '5b0c1d53-8f0a-4a1e-9d0c-6a7a3a0f4c1b'

type DemoUser = (typeof OF_FREIGHT | typeof OF_GUARDING)[number]

/** Everybody in the demos. */
export const DEMO_USERS: readonly DemoUser[] = [...OF_GUARDING, ...OF_FREIGHT]

/** The user of a demo with this address, in any spelling of its letters. */
export function findDemoUser(email: string): DemoUser | undefined {
  return DEMO_USERS.find((user) => user.email === email.toLowerCase())
}

/**
 * The id of whoever has this address, where no issuer of tokens says it: always the same one, as an issuer would give. So
 * a token can be made before its user is registered, and while nobody else can look into the database.
 */
export function developmentUserId(email: string): string {
  return findDemoUser(email)?.id ?? v5(email.toLowerCase(), NAMESPACE)
}
