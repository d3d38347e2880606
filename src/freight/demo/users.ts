/** The users of the demo that people sign in as; see those of guarding. */
export const DEMO_USERS = [
  { email: 'office@example.com', id: 'de4a0000-0000-7000-8000-000000000100', role: 'office' },
  { email: 'dispatcher@example.com', id: 'de4a0000-0000-7000-8000-000000000200', role: 'dispatcher' },
  { email: 'driver@example.com', id: 'de4a0000-0000-7000-8000-000000000300', role: 'driver' },
  { email: 'broker@example.com', id: 'de4a0000-0000-7000-8000-000000000400', role: 'broker' },
] as const
