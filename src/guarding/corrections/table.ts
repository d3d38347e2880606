import { users } from '../../people/table.ts'
import { changedXid, id, instant, timestamps } from '../../platform/db/columns.ts'
import {
  type AnyPgColumn,
  check,
  foreignKey,
  index,
  jsonb,
  pgTable,
  sql,
  text,
  uniqueIndex,
  uuid,
} from '../../platform/db/drizzle.ts'
import { assignments } from '../assignments/table.ts'
import { gpsCheckins } from '../checkins/table.ts'
import { shifts } from '../shifts/table.ts'

export const CORRECTION_CHANGES = ['another_time', 'never_happened', 'happened'] as const
export const CORRECTION_SIDES = ['company', 'professional', 'admin'] as const
export const CORRECTION_STATES = ['proposed', 'accepted', 'refused', 'imposed'] as const

/**
 * What somebody says about a clock event: rows are appended, a proposal is decided on once. `event_id` is the id of the check-in, or of
 * the correction by which something `happened`; of those two columns one has it as well, as a reference.
 */
export const corrections = pgTable(
  'corrections',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    shift_id: uuid('shift_id').notNull(),
    assignment_id: uuid('assignment_id').notNull(),
    professional_id: uuid('professional_id').notNull(),
    event_id: uuid('event_id').notNull(),
    checkin_id: uuid('checkin_id'),
    corrects_id: uuid('corrects_id'),
    change: text('change', { enum: CORRECTION_CHANGES }).notNull(),
    kind: text('kind', { enum: ['clock_in', 'break_start', 'break_end', 'clock_out'] }).notNull(),
    /** When the event was, as it counted when this was proposed; null where nothing did. */
    was_at: instant('was_at'),
    /** Null: never. */
    becomes_at: instant('becomes_at'),
    reason: text('reason').notNull(),
    proposed_by: uuid('proposed_by').notNull(),
    proposed_as: text('proposed_as', { enum: CORRECTION_SIDES }).notNull(),
    state: text('state', { enum: CORRECTION_STATES }).notNull().default('proposed'),
    decided_by: uuid('decided_by'),
    decided_at: instant('decided_at'),
    ...timestamps,
    changed_xid: changedXid(),
    // The last one, as in a database that had the table before: functions return its rows.
    /** What the clock events said before it was in effect, where the hours were approved already: what it changes is the adjustment. */
    clocked_before: jsonb('clocked_before').$type<{ from: string; to: string }[]>(),
  },
  (t) => [
    foreignKey({ name: 'corrections_shift_fk', columns: [t.shift_id], foreignColumns: [shifts.id] }).onDelete(
      'restrict',
    ),
    foreignKey({
      name: 'corrections_assignment_fk',
      columns: [t.assignment_id],
      foreignColumns: [assignments.id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'corrections_checkin_fk',
      columns: [t.checkin_id],
      foreignColumns: [gpsCheckins.id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'corrections_corrects_fk',
      columns: [t.corrects_id],
      foreignColumns: [t.id as AnyPgColumn],
    }).onDelete('restrict'),
    foreignKey({
      name: 'corrections_proposed_by_fk',
      columns: [t.proposed_by, t.tenant_id],
      foreignColumns: [users.id, users.tenant_id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'corrections_decided_by_fk',
      columns: [t.decided_by, t.tenant_id],
      foreignColumns: [users.id, users.tenant_id],
    }).onDelete('restrict'),
    check('corrections_change_known', sql`${t.change} in ('another_time', 'never_happened', 'happened')`),
    check('corrections_kind_known', sql`${t.kind} in ('clock_in', 'break_start', 'break_end', 'clock_out')`),
    check('corrections_side_known', sql`${t.proposed_as} in ('company', 'professional', 'admin')`),
    check('corrections_state_known', sql`${t.state} in ('proposed', 'accepted', 'refused', 'imposed')`),
    check(
      'corrections_event_once',
      sql`${t.event_id} = coalesce(${t.checkin_id}, ${t.corrects_id}, ${t.id}) and (${t.checkin_id} is null or ${t.corrects_id} is null)`,
    ),
    check(
      'corrections_change_complete',
      sql`(${t.change} = 'happened') = (${t.event_id} = ${t.id}) and (${t.change} = 'never_happened') = (${t.becomes_at} is null)`,
    ),
    check('corrections_reason_length', sql`char_length(${t.reason}) between 1 and 1000`),
    check(
      'corrections_decided',
      sql`(${t.state} = 'proposed') = (${t.decided_at} is null) and (${t.decided_at} is null) = (${t.decided_by} is null)`,
    ),
    // Only an admin decides on a correction of their own: by imposing it.
    check(
      'corrections_decided_by_other',
      sql`(${t.state} = 'imposed') = (${t.proposed_as} = 'admin') and (${t.state} = 'imposed' or ${t.decided_by} is null or ${t.decided_by} <> ${t.proposed_by})`,
    ),
    uniqueIndex('corrections_one_open').on(t.event_id).where(sql`${t.state} = 'proposed'`),
    // What is in effect.
    index('corrections_assignment_idx').on(t.assignment_id, t.event_id, t.decided_at),
    index('corrections_shift_idx').on(t.shift_id),
    index('corrections_checkin_idx').on(t.checkin_id),
    index('corrections_corrects_idx').on(t.corrects_id),
    index('corrections_proposed_by_idx').on(t.proposed_by, t.tenant_id),
    index('corrections_decided_by_idx').on(t.decided_by, t.tenant_id),
    index('corrections_company_idx').on(t.company_id, t.created_at, t.id),
    index('corrections_professional_idx').on(t.professional_id, t.created_at, t.id),
    index('corrections_tenant_idx').on(t.tenant_id, t.created_at, t.id),
    index('corrections_changed_idx').on(t.changed_xid, t.id),
  ],
)
