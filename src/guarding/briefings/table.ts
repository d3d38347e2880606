import { changedXid, edited, id } from '../../platform/db/columns.ts'
import { check, foreignKey, index, pgTable, sql, text, unique, uuid } from '../../platform/db/drizzle.ts'
import { securityProfessionals } from '../professionals/table.ts'
import { shifts } from '../shifts/table.ts'

/**
 * What the guard of a shift is told and nobody else: alarm codes, where the key is. At most one for each shift.
 *
 * The columns that say who may read it are copies that follow the shift (a trigger keeps them), so that the policy and the
 * audience of a change look at this row alone: `client_id` is null while the shift is a draft, `professional_id` is null when
 * nobody is assigned and after a cancellation, and `deleted_at` is the shift's.
 */
export const shiftBriefings = pgTable(
  'shift_briefings',
  {
    id: id(),
    tenant_id: uuid('tenant_id').notNull(),
    company_id: uuid('company_id').notNull(),
    client_id: uuid('client_id'),
    shift_id: uuid('shift_id').notNull(),
    professional_id: uuid('professional_id'),
    /** Null once the briefing was withdrawn. */
    text: text('text'),
    ...edited,
    changed_xid: changedXid(),
  },
  (t) => [
    unique('shift_briefings_shift_key').on(t.shift_id),
    foreignKey({
      name: 'shift_briefings_shift_fk',
      columns: [t.shift_id],
      foreignColumns: [shifts.id],
    }).onDelete('restrict'),
    foreignKey({
      name: 'shift_briefings_professional_fk',
      columns: [t.professional_id, t.tenant_id],
      foreignColumns: [securityProfessionals.id, securityProfessionals.tenant_id],
    }).onDelete('restrict'),
    check('shift_briefings_text_length', sql`char_length(${t.text}) <= 10000`),
    index('shift_briefings_professional_idx').on(t.professional_id),
    index('shift_briefings_changed_idx').on(t.changed_xid, t.id),
  ],
)
