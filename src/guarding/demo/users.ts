import { v5 } from 'uuid'

/**
 * The users of the demo that people sign in as. Their ids are the same on every machine, so that `npm run token` can name
 * them while the service has the embedded database open.
 */
export const DEMO_USERS = [
  { email: 'admin@example.com', id: 'de3a0000-0000-7000-8000-000000000100', role: 'admin' },
  { email: 'company@example.com', id: 'de3a0000-0000-7000-8000-000000000200', role: 'company' },
  { email: 'client@example.com', id: 'de3a0000-0000-7000-8000-000000000300', role: 'client' },
  { email: 'guard@example.com', id: 'de3a0000-0000-7000-8000-000000000400', role: 'zzp' },
  { email: 'guard2@example.com', id: 'de3a0000-0000-7000-8000-000000000500', role: 'zzp' },
  { email: 'outsider@example.com', id: 'de3a0000-0000-7000-8000-000000000600', role: 'zzp' },
] as const

/** Of ours alone: a random UUID, as RFC 9562, section 6.6, has it for namespaces of one's own. */
const NAMESPACE = '5b0c1d53-8f0a-4a1e-9d0c-6a7a3a0f4c1b'

/** The demo's user with this address, in any spelling of its letters. */
export function findDemoUser(email: string): (typeof DEMO_USERS)[number] | undefined {
  return DEMO_USERS.find((user) => user.email === email.toLowerCase())
}

/**
 * The id of whoever has this address, where no issuer of tokens says it: always the same one, as an issuer would give. So
 * a token can be made before its user is registered, and while nobody else can look into the database.
 */
export function developmentUserId(email: string): string {
  return findDemoUser(email)?.id ?? v5(email.toLowerCase(), NAMESPACE)
}
