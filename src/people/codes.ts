import type { ProblemCode } from '../platform/http/codes.ts'

export const codes = {
  already_registered: {
    status: 409,
    title: 'This user is already registered.',
    retry: 'never',
    sqlstate: 'MU018',
    // Two invitations accepted at once by the same token: the second finds no user when it looks.
    constraint: 'users_pkey',
  },
  invitation_invalid: {
    status: 422,
    title: 'The invitation is unknown, used, expired, or for another address.',
    retry: 'never',
    sqlstate: 'MU017',
  },
  user_ended: {
    status: 409,
    title: 'The user was ended for good: invite them again, under another address.',
    retry: 'never',
    sqlstate: 'MU210',
  },
} as const satisfies Record<string, ProblemCode>

declare module '../platform/http/codes.ts' {
  interface CodeNames {
    people: keyof typeof codes
  }
}
