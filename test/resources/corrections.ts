import { changes, deletes, follows, reads, updates } from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import { assignmentOf, type MatrixRow, MORE_USERS, SHIFT_ROWS } from '../rules/access-world.ts'
import { arrangeAssignment } from '../support/check-ins.ts'
import { OTHER_WORDS } from '../support/equivalent.ts'
import type { Access, Resource } from '../support/resources.ts'
import { type Arrangement, each, idOf, one } from '../support/route-arrangements.ts'
import { USERS } from '../support/world.ts'

const id = (n: number): string => `c5000000-0000-7000-8000-${String(n).padStart(12, '0')}`

const SEEN_BY = ['guard', 'company', 'admin'] as const

/** Another one beside it. */
const PROPOSED = ({ assignment }: MatrixRow) => ({
  relation: 'public.corrections',
  condition: `reason = 'Tried' and assignment_id = ${quote(assignment)}`,
})

export const access: Access = {
  section: {
    table: 'public.corrections',
    key: 'id',
    rows: {
      byCompany: {
        id: id(1),
        assignment: assignmentOf(SHIFT_ROWS.companyActive),
        by: USERS.company,
        as: 'company',
        hour: -1,
      },
      byGuard: {
        id: id(2),
        assignment: assignmentOf(SHIFT_ROWS.companyActive),
        by: USERS.guard,
        as: 'professional',
        hour: -1,
      },
      otherGuardAtRival: {
        id: id(3),
        assignment: assignmentOf(SHIFT_ROWS.rivalAssigned),
        by: USERS.otherGuard,
        as: 'professional',
        hour: 0,
      },
      byFormerGuard: {
        id: id(4),
        assignment: assignmentOf(SHIFT_ROWS.companyCompletedByFormer),
        by: MORE_USERS.deletedGuard,
        as: 'professional',
        hour: -25,
      },
      foreignGuard: {
        id: id(5),
        assignment: assignmentOf(SHIFT_ROWS.foreignAssigned),
        by: USERS.foreignGuard,
        as: 'professional',
        hour: 0,
      },
    },
    actions: {
      r: reads('public.corrections'),
      f: follows('corrections'),
      a: changes('accept', ({ id }) => `select muster.decide_correction(${quote(id)}, 'accepted')`),
      n: changes('refuse', ({ id }) => `select muster.decide_correction(${quote(id)}, 'refused')`),
      p: changes(
        'propose another',
        ({ assignment, hour }) =>
          `select muster.propose_correction(${quote(assignment)}, 'happened', null, 'clock_in',
             now() + ${Number(hour)} * interval '1 hour', 'Tried')`,
        PROPOSED,
      ),
      e: updates('public.corrections', "state = 'accepted', decided_at = now()"),
      w: updates('public.corrections', "reason = 'Another'"),
      d: deletes('public.corrections'),
    },
    grid: `
                         company  colleague  rival  client  otherClient  guard  otherGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin
      byCompany          rfp      rfp        .      .       .            rfanp  .           rfp    .               .              .             .
      byGuard            rfanp    rfanp      .      .       .            rfp    .           rfp    .               .              .             .
      otherGuardAtRival  .        .          rfanp  .       .            .      rfp         rfp    .               .              .             .
      byFormerGuard      rfanp    rfanp      .      .       .            .      .           rfp    .               .              .             .
      foreignGuard       .        .          .      .       .            .      .           .      rfanp           .              rfp           rfp
    `,
  },
  columns: ({ id, assignment, by, as, hour }) => ({
    id,
    assignment_id: assignment,
    change: 'happened',
    kind: 'clock_in',
    becomes_at: new Date(Date.now() + Number(hour) * 3_600_000),
    reason: 'The battery was empty.',
    proposed_by: by,
    proposed_as: as,
    state: 'proposed',
    created_at: new Date(),
    updated_at: new Date(),
  }),
  equivalent: {
    functions: {
      'tg_corrections__check: not found → false': OTHER_WORDS,
    },
  },
  privileges: {
    authenticated: { select: '*' },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*', insert: '*', update: '*' },
  },
  functions: {
    'authenticated muster_api': [
      'muster.decide_correction(uuid,text)',
      'muster.propose_correction(uuid,text,uuid,text,timestamp with time zone,text)',
    ],
    muster_definer: [
      'muster.apply_correction(public.corrections)',
      'muster.audience_of_corrections(jsonb,timestamp with time zone)',
      'muster.correction_json(public.corrections)',
      'muster.corrections_in_effect(uuid)',
      'muster.notify_of_correction(public.corrections,text)',
      'muster.seen_of_corrections(jsonb)',
      'muster.side_in(public.assignments)',
    ],
    '': [
      'muster.tg_corrections__apply()',
      'muster.tg_corrections__check()',
      'muster.tg_corrections__keep()',
      'muster.tg_corrections__note_clocked()',
    ],
  },
}

export const requests: Resource['requests'] = {
  'GET /v1/corrections': each('/v1/corrections', SEEN_BY),
  'GET /v1/corrections/{id}': async (arrangement) => {
    const url = `/v1/corrections/${await proposal(arrangement)}`
    return SEEN_BY.map((persona) => ({ persona, url }))
  },
  'POST /v1/assignments/{id}/corrections': async (arrangement) => {
    const { assignment, start } = await worked(arrangement)
    return one({
      persona: 'company',
      url: `/v1/assignments/${assignment}/corrections`,
      body: { change: 'happened', kind: 'clock_in', becomes_at: start.toISOString(), reason: 'Seen there' },
    })
  },
  'POST /v1/corrections/{id}/accept': async (arrangement) =>
    one({ persona: 'guard', url: `/v1/corrections/${await proposal(arrangement)}/accept` }),
  'POST /v1/corrections/{id}/refuse': async (arrangement) =>
    one({ persona: 'guard', url: `/v1/corrections/${await proposal(arrangement)}/refuse` }),
}

/** Of a shift that is over. */
async function worked({ owner }: Arrangement): Promise<{ assignment: string; start: Date }> {
  const { id, start } = await arrangeAssignment(owner)
  return {
    assignment: idOf(
      await owner.query<{ id: string }>('select id from assignments where shift_id = $1', [id]),
    ),
    start,
  }
}

/** By the company. */
async function proposal(arrangement: Arrangement): Promise<string> {
  const { assignment, start } = await worked(arrangement)
  return idOf(
    await arrangement.owner.query<{ id: string }>(
      `insert into corrections (assignment_id, change, kind, becomes_at, reason, proposed_by, proposed_as)
       values ($1, 'happened', 'clock_in', $2, 'Seen there', $3, 'company') returning id`,
      [assignment, start.toISOString(), USERS.company],
    ),
  )
}
