import { deletes, follows, reads, updates, updatesAll } from '../rules/access-actions.ts'
import { MORE_USERS, SHIFT_ROWS } from '../rules/access-world.ts'
import { HIDDEN_ANYWAY, NO_TENANT } from '../support/equivalent.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, each, idOf, one, shift } from '../support/route-arrangements.ts'
import { USERS } from '../support/world.ts'

const id = (n: number): string => `30000000-0000-7000-8000-${String(n).padStart(12, '0')}`

export const access: Access = {
  section: {
    table: 'public.incidents',
    key: 'id',
    rows: {
      guardAtCompany: { id: id(1), shift: SHIFT_ROWS.companyActive.id, reportedBy: USERS.guard },
      otherGuardAtRival: { id: id(2), shift: SHIFT_ROWS.rivalAssigned.id, reportedBy: USERS.otherGuard },
      formerGuard: {
        id: id(3),
        shift: SHIFT_ROWS.companyCompletedByFormer.id,
        reportedBy: MORE_USERS.deletedGuard,
      },
      guardDeleted: {
        id: id(4),
        shift: SHIFT_ROWS.companyActive.id,
        reportedBy: USERS.guard,
        deleted: true,
      },
      foreignGuard: { id: id(5), shift: SHIFT_ROWS.foreignAssigned.id, reportedBy: USERS.foreignGuard },
    },
    actions: {
      r: reads('public.incidents'),
      f: follows('incidents'),
      e: updates('public.incidents', "status = 'resolved'"),
      E: updatesAll('public.incidents', "status = 'resolved'"),
      w: updates('public.incidents', "description = 'Nothing happened.'"),
      u: updates('public.incidents', 'deleted_at = null'),
      d: deletes('public.incidents'),
    },
    grid: `
                         company  colleague  rival  client  otherClient  guard  otherGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin
      guardAtCompany     rfeE     rfeE       .      rf      .            rf     .           rfeE   .               .              .             .
      otherGuardAtRival  .        .          rfeE   .       rf           .      rf          rfeE   .               .              .             .
      formerGuard        rfeE     rfeE       .      rf      .            .      .           rfeE   .               .              .             .
      guardDeleted       .        .          .      .       .            .      .           .      .               .              .             .
      foreignGuard       .        .          .      .       .            .      .           .      rfeE            rf             rf            rfeE
    `,
  },
  columns: ({ id, shift, reportedBy, deleted }) => ({
    id,
    shift_id: shift,
    reported_by: reportedBy,
    category: 'theft',
    severity: 'low',
    description: 'A bicycle is gone.',
    occurred_at: new Date(),
    status: 'open',
    deleted_at: deleted ? new Date() : null,
  }),
  alone: {
    inserts: {
      'guard guardAtCompany': 'allowed',
      'otherGuard guardAtCompany': 'refused',
      'company guardAtCompany': 'refused',
      'admin guardAtCompany': 'refused',
    },
    updates: {
      'company guardAtCompany formerGuard': 'allowed',
      'company * otherGuardAtRival': 'refused',
      'admin guardAtCompany otherGuardAtRival': 'allowed',
      'admin * foreignGuard': 'refused',
      'guard guardAtCompany guardAtCompany': 'refused',
    },
  },
  equivalent: {
    policies: {
      'internal on public.incidents: not for muster_definer':
        'Of the definer functions only the change feed reads incidents: changes-marketplace.test.ts hears of them.',
    },
    functions: {
      'tg_incidents__copy_shift: s.deleted_at is null → true': HIDDEN_ANYWAY,
      'tg_incidents__copy_shift: not found → false': NO_TENANT,
    },
  },
  privileges: {
    authenticated: {
      select: '*',
      insert: 'id shift_id category severity description incident_point occurred_at',
      update: 'status',
    },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*' },
  },
  functions: {
    muster_definer: [
      'muster.audience_of_incidents(jsonb,timestamp with time zone)',
      'muster.seen_of_incidents(jsonb)',
    ],
    '': ['muster.tg_incidents__copy_shift()'],
  },
}

export const requests: Resource['requests'] = {
  'GET /v1/incidents': each('/v1/incidents'),
  'POST /v1/incidents': async (arrangement) =>
    one({
      persona: 'guard',
      url: '/v1/incidents',
      body: {
        shift_id: await shift(arrangement, 'assigned'),
        category: 'other',
        severity: 'low',
        description: 'Nothing',
        occurred_at: new Date().toISOString(),
      },
    }),
  'PATCH /v1/incidents/{id}': async (arrangement) => {
    const id = await incident(arrangement)
    return one({ persona: 'company', url: `/v1/incidents/${id}`, body: { status: 'acknowledged' } })
  },
}

async function incident(arrangement: Arrangement): Promise<string> {
  return idOf(
    await arrangement.owner.query<{ id: string }>(
      `insert into incidents (shift_id, reported_by, category, severity, description, occurred_at)
       values ($1, $2, 'other', 'low', 'Nothing', now()) returning id`,
      [await shift(arrangement, 'assigned'), USERS.guard],
    ),
  )
}
