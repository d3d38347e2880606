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
