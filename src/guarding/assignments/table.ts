import { changedXid, id, instant, timestamps } from '../../platform/db/columns.ts'
import {
  check,
  foreignKey,
  index,
  integer,
  numeric,
  pgTable,
  sql,
  text,
  unique,
  uniqueIndex,
  uuid,
} from '../../platform/db/drizzle.ts'
import { securityProfessionals } from '../professionals/table.ts'
import { shifts } from '../shifts/table.ts'
import { terms } from '../terms/table.ts'

/** `stopped`: cancelled after work had begun, which is paid. */
export const ASSIGNMENT_ENDINGS = ['released', 'cancelled', 'stopped', 'completed', 'no_show'] as const

export const ASSIGNMENT_FLAGS = [
  'auto_closed',
  'conflict',
  'corrected',
  'imprecise',
  'late',
  'outside',
  'overdue',
] as const

/**
 * That a professional has a shift: what was agreed with them, and how it ended. A trigger keeps it in step with the shift while it
 * is in force; afterwards it stays as it was, whatever becomes of the shift. Check-ins and payments refer to it.
 */
export const assignments = pgTable(
  'assignments',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    shift_id: uuid('shift_id').notNull(),
    professional_id: uuid('professional_id').notNull(),
    begun_at: instant('begun_at').notNull().defaultNow(),
    ended_at: instant('ended_at'),
    ended_as: text('ended_as', { enum: ASSIGNMENT_ENDINGS }),
    start_datetime: instant('start_datetime').notNull(),
    end_datetime: instant('end_datetime').notNull(),
    hourly_rate: numeric('hourly_rate', { precision: 10, scale: 2, mode: 'number' }).notNull(),
    overtime_rate: numeric('overtime_rate', { precision: 4, scale: 2, mode: 'number' }).notNull(),
    /** Of the location; fixed when the shift begins. */
    radius_meters: integer('radius_meters').notNull(),
    ...terms(),
    /** When the company last changed when or where the shift is. */
    moved_at: instant('moved_at'),
    /** When background work closed the shift, which nobody had left. */
    auto_closed_at: instant('auto_closed_at'),
    /** What a person should look at, sorted. */
    flags: text('flags').array().notNull().default(sql`'{}'`),
    ...timestamps,
    changed_xid: changedXid(),
  },
  (t) => [
    // Nobody else has the shift meanwhile.
    uniqueIndex('assignments_one_in_force').on(t.shift_id).where(sql`${t.ended_at} is null`),
    foreignKey({
      name: 'assignments_shift_fk',
      columns: [t.shift_id],
      foreignColumns: [shifts.id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'assignments_professional_fk',
      columns: [t.professional_id, t.tenant_id],
      foreignColumns: [securityProfessionals.id, securityProfessionals.tenant_id],
    }).onDelete('restrict'),
    check(
      'assignments_ended_as_known',
      sql`${t.ended_as} in ('released', 'cancelled', 'stopped', 'completed', 'no_show')`,
    ),
    check('assignments_ended_somehow', sql`(${t.ended_at} is null) = (${t.ended_as} is null)`),
    check(
      'assignments_flags_known',
      sql`${t.flags} <@ array['auto_closed', 'conflict', 'corrected', 'imprecise', 'late', 'outside', 'overdue']`,
    ),
    // What background work looks through each minute.
    index('assignments_in_force_idx').on(t.start_datetime).where(sql`${t.ended_at} is null`),
    // Whose a check-in is; check-ins refer to both.
    unique('assignments_shift_key').on(t.shift_id, t.id),
    // Lists; and what else a professional worked at that time.
    index('assignments_professional_idx').on(t.professional_id, t.start_datetime, t.id),
    index('assignments_company_idx').on(t.company_id, t.start_datetime, t.id),
    index('assignments_tenant_idx').on(t.tenant_id, t.start_datetime, t.id),
    index('assignments_changed_idx').on(t.changed_xid, t.id),
  ],
)
