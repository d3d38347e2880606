import { beforeAll, describe, expect, test } from 'vitest'
import { type SQL, sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { useTestDatabase } from '../support/database.ts'
import { type Actor, outcomeOf, rehearse, runAs, type Stage } from '../support/rehearsal.ts'
import { inHours, notificationsOf, paymentsOf, shiftIn, updateShift } from '../support/shifts.ts'
import { acquaint, arrangeShift, buildWorld, PROFESSIONALS, USERS } from '../support/world.ts'

const prepared = useTestDatabase()
let database: Database

beforeAll(async () => {
  database = prepared().owner
  await buildWorld(database)
  await acquaint(database, [PROFESSIONALS.guard, PROFESSIONALS.otherGuard])
})

const ASSIGN = sql`status = 'assigned', professional_id = ${PROFESSIONALS.guard}::uuid`
const RELEASE = sql`status = 'published'`
const CANCEL = sql`status = 'cancelled', cancel_reason = 'Called off'`

const pending = (amount: number, professional: string = PROFESSIONALS.guard) => ({
  status: 'pending',
  amount,
  professional_id: professional,
})
const voided = (amount: number, professional: string = PROFESSIONALS.guard) => ({
  ...pending(amount, professional),
  status: 'voided',
})
const typesOf = async (stage: Stage, shift: string) =>
  (await notificationsOf(stage, shift)).map(({ type }) => type)

describe('assigning', () => {
  const PATHS: [string, Actor, (id: string) => SQL][] = [
    ['an update of the company', 'company', (id) => updateShift(id, ASSIGN)],
    ['an update of an admin', 'admin', (id) => updateShift(id, ASSIGN)],
    ['an update of the guard', 'guard', (id) => updateShift(id, ASSIGN)],
    ['a claim', 'guard', (id) => sql`select muster.claim_shift(${id})`],
    ['background work', 'service_role', (id) => updateShift(id, ASSIGN)],
    ['the owner', 'owner', (id) => updateShift(id, ASSIGN)],
  ]

  test.each(PATHS)('by %s makes the payment and the notification', async (_path, actor, statement) => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'published', rate: 25 })
      expect(await stage.attempt(actor, statement(id))).toBe('ok')
      expect(await paymentsOf(stage, id)).toEqual([pending(200)])
      expect(await notificationsOf(stage, id)).toEqual([
        { type: 'shift_assigned', user_id: USERS.guard, data: expect.objectContaining({ shift_id: id }) },
      ])
    })
  })

  test('makes none of the three when one cannot be made', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'published' })
      await stage.owner.query(
        `alter table notifications add constraint nobody_is_told check (type <> 'shift_assigned') not valid`,
      )
      expect(await stage.attempt('company', updateShift(id, ASSIGN))).toBe('validation_failed nobody_is_told')
      expect(await stage.run('owner', sql`select status from shifts where id = ${id}`)).toEqual([
        { status: 'published' },
      ])
      expect(await paymentsOf(stage, id)).toEqual([])
    })
  })

  test('without the trigger that makes the payment is refused at the commit', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'published' })
      await stage.owner.query('alter table shifts disable trigger follow_assignment_on_update')
      for (const actor of ['company', 'guard', 'service_role', 'owner'] as const) {
        expect([actor, await stage.attempt(actor, updateShift(id, ASSIGN))]).toEqual([
          actor,
          'payment_missing',
        ])
      }
    })
  })
})

describe('the payment of a shift that is worked', () => {
  const TAMPERINGS: [string, SQL][] = [
    ['deleting', sql`delete from finqle_transactions`],
    ['voiding', sql`update finqle_transactions set status = 'voided'`],
    [
      'giving it to another guard',
      sql`update finqle_transactions set professional_id = ${PROFESSIONALS.otherGuard}::uuid`,
    ],
  ]

  test.each(TAMPERINGS)('stays: %s it is refused at the commit', async (_name, statement) => {
    await rehearse(database, async (stage) => {
      for (const [nth, status] of (['assigned', 'active', 'completed'] as const).entries()) {
        const id = await shiftIn(stage, { status, startsInHours: 1 + 10 * nth })
        const tamper = sql`${statement} where shift_id = ${id} returning id`
        for (const actor of ['service_role', 'owner'] as const) {
          expect([status, actor, await stage.attempt(actor, tamper)]).toEqual([
            status,
            actor,
            'payment_missing',
          ])
        }
        for (const actor of ['company', 'guard', 'admin'] as const) {
          expect(await stage.attempt(actor, tamper)).toBe('forbidden')
        }
      }
    })
  })

  test('cannot be moved to another shift', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned' })
      const open = await shiftIn(stage, { status: 'published', startsInHours: 20 })
      const move = sql`update finqle_transactions set shift_id = ${open} where shift_id = ${id} returning id`
      expect(await stage.attempt('service_role', move)).toBe('payment_missing')
    })
  })

  test('is one: a second one of the assignment is refused, live or void', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned' })
      const another = (status: string) => sql`
        insert into finqle_transactions (tenant_id, company_id, shift_id, assignment_id, professional_id, amount, status)
        select tenant_id, company_id, shift_id, assignment_id, professional_id, amount, ${status}
        from finqle_transactions where shift_id = ${id} limit 1 returning id`
      expect(await stage.attempt('service_role', another('pending'))).toBe(
        'already_exists finqle_transactions_one_live',
      )
      expect(await stage.attempt('service_role', another('voided'))).toBe(
        'already_exists finqle_transactions_one_per_assignment',
      )
    })
  })

  test('may be processed, completed, refunded', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'completed' })
      for (const status of ['processing', 'failed', 'completed', 'refunded']) {
        const set = sql`update finqle_transactions set status = ${status} where shift_id = ${id} returning id`
        expect(await stage.attempt('service_role', set)).toBe('ok')
      }
    })
  })
})

describe('a shift that nobody works', () => {
  test.each([
    ['released', RELEASE],
    ['cancelled', CANCEL],
  ])('has no live payment: %s', async (_name, change) => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned' })
      expect(await stage.attempt('company', updateShift(id, change))).toBe('ok')
      const revive = sql`update finqle_transactions set status = 'pending' where shift_id = ${id} returning id`
      expect(await stage.attempt('owner', revive)).toBe('shift_not_assigned')
    })
  })
})

describe('releasing and cancelling', () => {
  test.each<[string, SQL, string, Actor]>([
    ['releasing', RELEASE, 'shift_released', 'company'],
    ['releasing, as an admin', RELEASE, 'shift_released', 'admin'],
    ['cancelling', CANCEL, 'shift_cancelled', 'company'],
  ])('%s voids the payment and tells the guard', async (_name, change, type, actor) => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned', rate: 20 })
      expect(await stage.attempt(actor, updateShift(id, change))).toBe('ok')
      expect(await paymentsOf(stage, id)).toEqual([voided(160)])
      const [assigned, told] = await notificationsOf(stage, id)
      expect(assigned).toMatchObject({ type: 'shift_assigned' })
      expect(told).toMatchObject({
        type,
        user_id: USERS.guard,
        data: { shift_id: id, cancel_reason: change === CANCEL ? 'Called off' : null },
      })
    })
  })

  test('an active shift that is cancelled pays the minimum, and keeps who worked it', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'active' })
      expect(await stage.attempt('company', updateShift(id, CANCEL))).toBe('ok')
      expect(await paymentsOf(stage, id)).toEqual([pending(75)])
      expect(await stage.run('owner', sql`select professional_id from shifts where id = ${id}`)).toEqual([
        { professional_id: PROFESSIONALS.guard },
      ])
    })
  })

  test('a payment that is under way is voided with its shift', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned' })
      await stage.owner.query("update finqle_transactions set status = 'processing' where shift_id = $1", [
        id,
      ])
      expect(await stage.attempt('company', updateShift(id, RELEASE))).toBe('ok')
      expect(await paymentsOf(stage, id)).toEqual([voided(200)])
    })
  })

  test('cancelling a shift without a professional makes no payment and no notification', async () => {
    await rehearse(database, async (stage) => {
      for (const status of ['draft', 'published'] as const) {
        const id = await shiftIn(stage, { status })
        expect(await stage.attempt('company', updateShift(id, CANCEL))).toBe('ok')
        expect(await paymentsOf(stage, id)).toEqual([])
        expect(await notificationsOf(stage, id)).toEqual([])
      }
    })
  })

  test('the next guard has a payment of their own, and the first is told of the release alone', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned' })
      expect(await stage.attempt('company', updateShift(id, RELEASE))).toBe('ok')
      expect(await stage.attempt('otherGuard', sql`select muster.claim_shift(${id})`)).toBe('ok')
      expect(await paymentsOf(stage, id)).toEqual([voided(200), pending(200, PROFESSIONALS.otherGuard)])
      expect((await notificationsOf(stage, id)).map(({ type, user_id }) => [type, user_id])).toEqual([
        ['shift_assigned', USERS.guard],
        ['shift_released', USERS.guard],
        ['shift_assigned', USERS.otherGuard],
      ])
    })
  })
})

describe('a change of an assigned shift', () => {
  test.each<[string, SQL, number]>([
    ['a later end', sql`end_datetime = end_datetime + interval '90 minutes'`, 237.5],
    ['another rate', sql`hourly_rate = 30`, 240],
  ])('%s changes the planned pay and is told', async (_name, change, amount) => {
    await rehearse(database, async (stage) => {
      for (const status of ['assigned', 'active'] as const) {
        const id = await shiftIn(stage, { status, startsInHours: status === 'active' ? 30 : 1 })
        expect(await stage.attempt('company', updateShift(id, change))).toBe('ok')
        expect(await paymentsOf(stage, id)).toEqual([pending(amount)])
        expect(await typesOf(stage, id)).toEqual(['shift_assigned', 'shift_changed'])
      }
    })
  })

  test('an earlier start changes the planned pay of one that has not begun', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned' })
      const earlier = sql`start_datetime = start_datetime - interval '30 minutes'`
      expect(await stage.attempt('company', updateShift(id, earlier))).toBe('ok')
      expect(await paymentsOf(stage, id)).toEqual([pending(212.5)])
    })
  })

  test('reaches a payment that is tried again, not one that is on its way', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned', rate: 20 })
      const pay = (status: string) =>
        stage.attempt(
          'service_role',
          sql`update finqle_transactions set status = ${status} where shift_id = ${id} returning id`,
        )
      expect(await pay('processing')).toBe('ok')
      const longer = updateShift(id, sql`end_datetime = end_datetime + interval '1 hour'`)
      expect(await stage.attempt('company', longer)).toBe('ok')
      expect(await paymentsOf(stage, id)).toMatchObject([{ status: 'processing', amount: 160 }])
      expect([await pay('failed'), await pay('pending')]).toEqual(['ok', 'ok'])
      expect(await paymentsOf(stage, id)).toEqual([pending(180)])
    })
  })

  test('another title changes neither', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned' })
      expect(await stage.attempt('company', updateShift(id, sql`title = 'Other gate'`))).toBe('ok')
      expect(await paymentsOf(stage, id)).toEqual([pending(200)])
      expect(await typesOf(stage, id)).toEqual(['shift_assigned'])
    })
  })

  test('is checked against the rules again: times and requirements', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned', startsInHours: 1, hours: 8 })
      await shiftIn(stage, { status: 'assigned', startsInHours: 10, hours: 8 })
      const longer = (hours: number) =>
        updateShift(id, sql`end_datetime = start_datetime + ${hours} * interval '1 hour'`)
      expect(await stage.attempt('company', longer(9))).toBe('ok')
      expect(await stage.attempt('company', longer(9.01))).toBe('shift_overlap')
      expect(await stage.attempt('company', updateShift(id, sql`required_certificates = '{vca,bhv}'`))).toBe(
        'certificate_missing',
      )
      await stage.owner.query(
        `update certificates set valid_until = current_date + 30 where professional_id = $1`,
        [PROFESSIONALS.guard],
      )
      const late = sql`start_datetime = ${inHours(24 * 32)}, end_datetime = ${inHours(24 * 32 + 8)}`
      expect(await stage.attempt('company', updateShift(id, late))).toBe('certificate_expired')
    })
  })
})

test('outside a transaction the deferred check is a commit that fails', async () => {
  const id = await arrangeShift(database, { status: 'assigned', startsInHours: 300 })
  const tamper = sql`delete from finqle_transactions where shift_id = ${id} returning id`
  expect(await outcomeOf(runAs(database, 'service_role', tamper))).toBe('payment_missing')
  expect(
    await runAs(database, 'owner', sql`select 1 from finqle_transactions where shift_id = ${id}`),
  ).toHaveLength(1)
})
