import { Tally } from '../metric.ts'

export const signInsSeen = new Tally(
  'muster_sign_in_total',
  'Sign-ins and what became of them. limited: refused by a limit, before anything was done. reused: a session token that had been replaced was shown, and the session ended.',
  'outcome',
  ['signed_in', 'refused', 'refreshed', 'reused', 'registered', 'limited'],
)
