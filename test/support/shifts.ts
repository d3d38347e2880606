import type { SHIFT_STATUSES } from '../../src/guarding/shifts/table.ts'
import { type SQL, sql } from '../../src/platform/db/drizzle.ts'
import type { Stage } from './rehearsal.ts'
import { arrangeShift, type ShiftFixture } from './world.ts'

export type ShiftStatus = (typeof SHIFT_STATUSES)[number]

/** What brings an arranged shift on to a state that `arrangeShift` does not make. */
const FURTHER_STEPS: Partial<Record<ShiftStatus, string[]>> = {
  active: ["status = 'active'"],
  completed: ["status = 'active'", "status = 'completed'"],
  cancelled: ["status = 'cancelled', cancel_reason = 'Rained off'"],
  no_show: ["status = 'no_show'"],
}

/** A shift brought into a state by the owner, step by step, as time and check-ins would have. Gives its id. */
export async function shiftIn(
  stage: Pick<Stage, 'owner'>,
  { status, ...fixture }: Omit<ShiftFixture, 'status'> & { status: ShiftStatus },
): Promise<string> {
  const hasProfessional =
    status === 'assigned' || status === 'active' || status === 'completed' || status === 'no_show'
  const arranged = hasProfessional ? 'assigned' : status === 'draft' ? 'draft' : 'published'
  const id = await arrangeShift(stage.owner, { ...fixture, status: arranged })
  for (const step of FURTHER_STEPS[status] ?? [])
    await stage.owner.query(`update shifts set ${step} where id = $1`, [id])
  return id
}

/** The update, with the shift's id for whoever could reach it. */
export const updateShift = (id: string, changes: SQL): SQL =>
  sql`update shifts set ${changes} where id = ${id}::uuid returning id`

/** A moment some hours (or fractions) from now. */
export const inHours = (n: number): SQL => sql`now() + ${n}::float8 * interval '1 hour'`

/** The payment rows of a shift, oldest first. */
export const paymentsOf = (stage: Stage, shift: string) =>
  stage.run<{ status: string; amount: number; professional_id: string }>(
    'owner',
    sql`select status, amount, professional_id from finqle_transactions where shift_id = ${shift} order by id`,
  )

/** The notifications about a shift, oldest first. */
export const notificationsOf = (stage: Stage, shift: string) =>
  stage.run<{ type: string; user_id: string; data: Record<string, unknown> }>(
    'owner',
    sql`select type, user_id, data from notifications where data ->> 'shift_id' = ${shift} order by id`,
  )
