import type { Module } from '../platform/module.ts'
import { codes } from './codes.ts'
import { examples } from './examples.ts'
import { invitationRoutes } from './invitations/routes.ts'
import { meRoutes } from './me/routes.ts'
import { notificationRoutes } from './notifications/routes.ts'
import { organizationRoutes } from './organizations/routes.ts'
import { userRoutes } from './users/routes.ts'

export { rolesOf } from './roles-of.ts'

/** Who is there: tenants, organizations and users, how they come in, and what they are told. */
export const people = {
  name: 'people',
  tags: [
    { name: 'me', description: 'The caller, and the registration of users.' },
    { name: 'users', description: 'Suspending users, and letting them in again.' },
    { name: 'organizations', description: 'Companies and their clients.' },
    { name: 'notifications', description: 'Messages to a user about shifts, certificates and payments.' },
  ],
  codes,
  sqlstates: 'MU2',
  examples,
  headers: { createOrganization: ['Location'] },
  publishedTables: ['notifications'],
  notifications: {},
  roles: { admin: null },
  privateChannels: [],
  async routes(v1, _config, { notifications, roles, signIn }) {
    await v1.register(meRoutes, { roles })
    await v1.register(invitationRoutes, { roles, signIn })
    await v1.register(userRoutes, { roles })
    await v1.register(organizationRoutes, { roles })
    await v1.register(notificationRoutes, { notifications })
  },
} as const satisfies Module
