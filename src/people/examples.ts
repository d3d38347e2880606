import type { Example } from '../platform/http/openapi/part.ts'

/** Of the demo. */
const COMPANY = 'de3c0000-0000-7000-8000-000000000001'
export const CLIENT = 'de3d0000-0000-7000-8000-000000000001'
/** guard2@example.com */
const SECOND_GUARD = 'de3a0000-0000-7000-8000-000000000500'
export const CENTRE = { latitude: 52.374, longitude: 4.8994 }

export const examples: Readonly<Record<string, Example>> = {
  acceptInvitation: { as: 'guard', body: { code: 'the code of the invitation', name: 'Sam', ...CENTRE } },
  createInvitation: { as: 'admin', body: { role: 'zzp', email: 'sam@example.com' } },
  createOrganization: {
    as: 'admin',
    body: { name: 'Harbour Terminals', kind: 'client', client_of: [COMPANY] },
  },
  getOrganization: { as: 'company', parameters: { id: CLIENT } },
  linkClient: { as: 'admin', parameters: { id: COMPANY, client_id: CLIENT } },
  endUser: { as: 'admin', parameters: { id: SECOND_GUARD } },
  reinstateUser: { as: 'admin', parameters: { id: SECOND_GUARD } },
  suspendUser: { as: 'admin', parameters: { id: SECOND_GUARD } },
  unlinkClient: {
    as: 'admin',
    parameters: { id: COMPANY, client_id: 'de3d0000-0000-7000-8000-000000000003' },
  },
}
