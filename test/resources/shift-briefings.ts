import {
  asks,
  changes,
  deletes,
  follows,
  NEW_ID,
  NEW_ROW,
  OWN_PROFESSIONAL,
  reads,
  updates,
  updatesAll,
} from '../rules/access-actions.ts'
import { quote } from '../rules/access-probe.ts'
import { type MatrixRow, SHIFT_ROWS } from '../rules/access-world.ts'
import { NO_TENANT } from '../support/equivalent.ts'
import type { Access, Resource } from '../support/resources.ts'

const id = (n: number): string => `40000000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** `unbriefed` is a shift of the same company, or of another tenant's, that has none. */
const BRIEFING_ROWS = {
  companyDraft: briefingRow(1, SHIFT_ROWS.companyDraft.id, SHIFT_ROWS.companyDraftAtDraftSite.id),
  companyPublished: {
    ...briefingRow(2, SHIFT_ROWS.companyPublished.id, SHIFT_ROWS.companyAtOffice.id),
    isOpen: true,
  },
  companyAssigned: briefingRow(3, SHIFT_ROWS.companyAssigned.id, SHIFT_ROWS.companyActive.id),
  companyCompleted: briefingRow(4, SHIFT_ROWS.companyCompleted.id, SHIFT_ROWS.companyCompletedByFormer.id),
  companyCancelled: briefingRow(5, SHIFT_ROWS.companyCancelled.id, SHIFT_ROWS.companyDeleted.id),
  companyCancelledDeleted: briefingRow(
    6,
    SHIFT_ROWS.companyCancelledDeleted.id,
    SHIFT_ROWS.companyDeleted.id,
  ),
  rivalAssigned: briefingRow(7, SHIFT_ROWS.rivalAssigned.id, SHIFT_ROWS.rivalPublished.id),
  foreignAssigned: briefingRow(8, SHIFT_ROWS.foreignAssigned.id, SHIFT_ROWS.foreignPublished.id),
} satisfies Record<string, MatrixRow>

function briefingRow(n: number, shift: string, unbriefed: string) {
  return { id: id(n), shift, unbriefed }
}

export const access: Access = {
  section: {
    table: 'public.shift_briefings',
    key: 'id',
    rows: BRIEFING_ROWS,
    actions: {
      r: reads('public.shift_briefings'),
      f: follows('shift_briefings'),
      c: changes(
        'brief another shift',
        ({ unbriefed }) =>
          `insert into public.shift_briefings (id, shift_id, text) values (${quote(NEW_ID)}, ${quote(unbriefed)}, 'New')`,
        NEW_ROW('public.shift_briefings'),
      ),
      b: changes(
        'brief the shift',
        ({ shift }) =>
          `select muster.brief_shift(s, 'Changed') from public.shifts s where s.id = ${quote(shift)}`,
      ),
      w: changes(
        'withdraw what the shift was told',
        ({ shift }) => `select muster.brief_shift(s, null) from public.shifts s where s.id = ${quote(shift)}`,
      ),
      e: updates('public.shift_briefings', "text = 'Changed'"),
      E: updatesAll('public.shift_briefings', "text = 'Changed'"),
      h: asks('claim the shift, and be told', ({ shift, isOpen }) =>
        isOpen ? `select muster.claim_shift(${quote(shift)}) ->> 'instructions' is not null` : undefined,
      ),
      g: updates('public.shift_briefings', `professional_id = ${OWN_PROFESSIONAL}`),
      u: updates('public.shift_briefings', 'deleted_at = null'),
      d: deletes('public.shift_briefings'),
    },
    // Nobody briefs a shift that is over; and a statement without a condition meets one of these in every company.
    grid: `
                             company  colleague  rival    client  otherClient  guard  otherGuard  freeGuard  admin   foreignCompany  foreignClient  foreignGuard  foreignAdmin
    companyDraft             rfcbwe   rfcbwe     .        .       .            .      .           .          rfcbwe  .               .              .             .
    companyPublished         rfcbwe   rfcbwe     .        rf      .            h      h           h          rfcbwe  .               .              .             .
    companyAssigned          rfcbwe   rfcbwe     .        rf      .            rf     .           .          rfcbwe  .               .              .             .
    companyCompleted         rf       rf         .        rf      .            rf     .           .          rf      .               .              .             .
    companyCancelled         rf       rf         .        rf      .            .      .           .          rf      .               .              .             .
    companyCancelledDeleted  .        .          .        .       .            .      .           .          .       .               .              .             .
    rivalAssigned            .        .          rfcbweE  .       rf           .      rf          .          rfcbwe  .               .              .             .
    foreignAssigned          .        .          .        .       .            .      .           .          .       rfcbweE         rf             rf            rfcbweE
  `,
  },
  columns: ({ id, shift }) => ({
    id,
    shift_id: shift,
    text: 'The alarm code is 4711.',
    created_at: new Date(),
    updated_at: new Date(),
  }),
  alone: {
    inserts: {
      'company companyDraft': 'allowed',
      'company rivalAssigned': 'refused',
      'admin rivalAssigned': 'allowed',
      'admin foreignAssigned': 'refused',
      'client companyPublished': 'refused',
      'guard companyAssigned': 'refused',
    },
    updates: {
      'company companyDraft companyPublished': 'allowed',
      'company companyDraft rivalAssigned': 'refused',
      'company * rivalAssigned': 'refused',
      'admin companyDraft rivalAssigned': 'allowed',
      'admin * foreignAssigned': 'refused',
      'client companyPublished companyPublished': 'refused',
      'guard companyAssigned companyAssigned': 'refused',
    },
  },
  equivalent: {
    functions: {
      'tg_shift_briefings__copy_shift: not found → false': NO_TENANT,
      "tg_shift_briefings__copy_shift: shift.status <> 'draft' → true":
        'Who may read it is copied when it is written: shifts-visibility.test.ts reads it afterwards.',
    },
  },
  privileges: {
    authenticated: { select: '*', insert: 'id shift_id text', update: 'text' },
    service_role: { select: '*', insert: '*', update: '*', delete: '*' },
    muster_definer: { select: '*', update: '*' },
  },
  functions: {
    authenticated: ['muster.brief_shift(public.shifts,text)'],
    muster_definer: [
      'muster.audience_of_shift_briefings(jsonb,timestamp with time zone)',
      'muster.seen_of_shift_briefings(jsonb)',
    ],
    '': ['muster.tg_shift_briefings__copy_shift()'],
  },
}

/** A briefing is a member of its shift: it has no routes of its own. */
export const requests: Resource['requests'] = {}
