import { beforeAll, describe, expect, test } from 'vitest'
import { SHIFT_STATUSES } from '../../src/guarding/shifts/table.ts'
import { type SQL, sql } from '../../src/platform/db/drizzle.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { useTestDatabase } from '../support/database.ts'
import { type Actor, rehearse, type Stage } from '../support/rehearsal.ts'
import { shiftIn, updateShift } from '../support/shifts.ts'
import { acquaint, buildWorld, LOCATIONS, ORGANIZATIONS, PROFESSIONALS } from '../support/world.ts'

const prepared = useTestDatabase()
let database: Database

beforeAll(async () => {
  database = prepared().owner
  await buildWorld(database)
  await acquaint(database, [PROFESSIONALS.guard, PROFESSIONALS.otherGuard])
})

const changeSite = (changes: SQL): SQL =>
  sql`update locations set ${changes} where id = ${LOCATIONS.site} returning id`
const placeOf = (stage: Stage, shift: string) =>
  stage.run<{ longitude: number; time_zone: string; client_id: string }>(
    'owner',
    sql`select st_x(location_point::geometry) as longitude, time_zone, client_id from shifts where id = ${shift}`,
  )

describe('a location that moves', () => {
  test('takes its shifts along until they have begun, those of other companies too', async () => {
    await rehearse(database, async (stage) => {
      const ids: [status: string, id: string][] = []
      for (const [nth, status] of SHIFT_STATUSES.entries()) {
        ids.push([status, await shiftIn(stage, { status, startsInHours: 1 + 10 * nth })])
      }
      ids.push(['rival', await shiftIn(stage, { status: 'published', company: ORGANIZATIONS.rival })])
      const elsewhere = await shiftIn(stage, { status: 'published', location: LOCATIONS.office })

      const move = changeSite(
        sql`location_point = st_point(5.5, 52)::geography, time_zone = 'Europe/Brussels'`,
      )
      expect(await stage.attempt('client', move)).toBe('ok')

      const stays = ['active', 'completed', 'cancelled', 'no_show']
      for (const [status, id] of ids) {
        expect([status, await placeOf(stage, id)]).toEqual([
          status,
          [
            stays.includes(status)
              ? expect.objectContaining({ longitude: 4.8926, time_zone: 'Europe/Amsterdam' })
              : expect.objectContaining({ longitude: 5.5, time_zone: 'Europe/Brussels' }),
          ],
        ])
      }
      expect(await placeOf(stage, elsewhere)).toMatchObject([{ longitude: 4.8926 }])
    })
  })

  test('takes a shift along again that was released after somebody had checked in', async () => {
    await rehearse(database, async (stage) => {
      const id = await shiftIn(stage, { status: 'assigned', startsInHours: 1 })
      const ping = sql`insert into gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
        values (${id}, 'ping', st_point(4.8926, 52.3731)::geography, 8, now()) returning id`
      expect(await stage.attempt('guard', ping)).toBe('ok')
      const move = changeSite(
        sql`location_point = st_point(5.5, 52)::geography, time_zone = 'Europe/Brussels'`,
      )
      expect(await stage.attempt('client', move)).toBe('ok')
      expect(await placeOf(stage, id)).toMatchObject([{ longitude: 4.8926, time_zone: 'Europe/Amsterdam' }])

      expect(await stage.attempt('company', updateShift(id, sql`status = 'published'`))).toBe('ok')
      expect(await placeOf(stage, id)).toMatchObject([{ longitude: 5.5, time_zone: 'Europe/Brussels' }])
    })
  })

  test('to a time zone in which a certificate ends too early stays where it is', async () => {
    await rehearse(database, async (stage) => {
      // Noon in Amsterdam is the next day in Kiritimati (+14).
      const id = await shiftIn(stage, { status: 'assigned', startsInHours: 24 * 9 })
      const set = (start: SQL, end: SQL) =>
        updateShift(id, sql`start_datetime = ${start}, end_datetime = ${end}`)
      const noon = sql`(current_date + 10 + time '12:00') at time zone 'Europe/Amsterdam'`
      await stage.run('company', set(sql`${noon} - interval '4 hours'`, noon))
      await stage.owner.query(
        'update certificates set valid_until = current_date + 10 where professional_id = $1',
        [PROFESSIONALS.guard],
      )
      for (const actor of ['client', 'admin', 'service_role', 'owner'] as const) {
        const outcome = await stage.attempt(actor, changeSite(sql`time_zone = 'Pacific/Kiritimati'`))
        // A client is told nothing about the certificates of guards.
        const expected = actor === 'client' ? 'professional_unavailable' : 'certificate_expired'
        expect([actor, outcome]).toEqual([actor, expected])
      }
      expect(
        await stage.run('owner', sql`select time_zone from locations where id = ${LOCATIONS.site}`),
      ).toEqual([{ time_zone: 'Europe/Amsterdam' }])
      expect(await stage.attempt('client', changeSite(sql`time_zone = 'Pacific/Pago_Pago'`))).toBe('ok')
      expect(await placeOf(stage, id)).toMatchObject([{ time_zone: 'Pacific/Pago_Pago' }])
    })
  })

  test('leaves a shift that is over where it was, though nobody clocked out of it', async () => {
    await rehearse(database, async (stage) => {
      const [shift] = await stage.run<{ id: string }>(
        'owner',
        sql`insert into shifts (company_id, location_id, status, professional_id, start_datetime, end_datetime, hourly_rate, title)
            values (${ORGANIZATIONS.company}, ${LOCATIONS.site}, 'assigned', ${PROFESSIONALS.guard}, now() - interval '9 hours',
                    now() - interval '1 hour', 20, 'Gate') returning id`,
      )
      await stage.owner.query("update security_professionals set status = 'suspended' where id = $1", [
        PROFESSIONALS.guard,
      ])
      expect(await stage.attempt('client', changeSite(sql`time_zone = 'Europe/Brussels'`))).toBe('ok')
      expect(await placeOf(stage, shift!.id)).toMatchObject([{ time_zone: 'Europe/Amsterdam' }])
    })
  })
})

describe('a location that is removed', () => {
  test('has no shift that is not over', async () => {
    const gone = sql`delete from locations where id = ${LOCATIONS.otherClientSite} returning id`
    for (const [nth, status] of SHIFT_STATUSES.entries()) {
      await rehearse(database, async (stage) => {
        await shiftIn(stage, {
          status,
          company: ORGANIZATIONS.rival,
          location: LOCATIONS.otherClientSite,
          startsInHours: 1 + 10 * nth,
        })
        const isOver = ['completed', 'cancelled', 'no_show'].includes(status)
        for (const actor of ['otherClient', 'admin'] as const) {
          // A soft delete answers with no row.
          expect([status, actor, await stage.attempt(actor, gone)]).toEqual([
            status,
            actor,
            isOver ? 'unseen' : 'location_in_use',
          ])
        }
      })
    }
  })
})

describe('a shift', () => {
  const create = (company: string | null, location: string): SQL =>
    sql`insert into shifts (company_id, location_id, start_datetime, end_datetime, hourly_rate, title)
        values (${company}, ${location}, now() + interval '1 hour', now() + interval '9 hours', 20, 'Gate') returning id`

  test.each<[Actor, string, string, string]>([
    ['company', ORGANIZATIONS.company, LOCATIONS.office, 'ok'],
    ['company', ORGANIZATIONS.company, LOCATIONS.site, 'ok'],
    ['company', ORGANIZATIONS.company, LOCATIONS.otherClientSite, 'not_found'],
    ['company', ORGANIZATIONS.company, LOCATIONS.foreignSite, 'not_found'],
    ['company', ORGANIZATIONS.rival, LOCATIONS.site, 'forbidden'],
    ['rival', ORGANIZATIONS.rival, LOCATIONS.otherClientSite, 'ok'],
    ['rival', ORGANIZATIONS.rival, LOCATIONS.office, 'not_found'],
    ['admin', ORGANIZATIONS.rival, LOCATIONS.otherClientSite, 'ok'],
    ['admin', ORGANIZATIONS.company, LOCATIONS.otherClientSite, 'not_found'],
    ['foreignAdmin', ORGANIZATIONS.company, LOCATIONS.site, 'forbidden'],
    ['owner', ORGANIZATIONS.company, LOCATIONS.otherClientSite, 'not_found'],
    ['owner', ORGANIZATIONS.company, LOCATIONS.foreignSite, 'not_found'],
  ])('of %s for company %s at location %s: %s', async (actor, company, location, expected) => {
    await rehearse(database, async (stage) => {
      expect(await stage.attempt(actor, create(company, location))).toBe(expected)
    })
  })

  test('that goes to another location takes over its place and its client, and only where its company works', async () => {
    await rehearse(database, async (stage) => {
      await stage.owner.query(
        "update locations set time_zone = 'Europe/London', location_point = st_point(0, 51)::geography where id = $1",
        [LOCATIONS.office],
      )
      for (const [nth, status] of (['draft', 'published', 'assigned'] as const).entries()) {
        const id = await shiftIn(stage, { status, startsInHours: 1 + 10 * nth })
        const goTo = (location: string) => updateShift(id, sql`location_id = ${location}`)
        expect(await stage.attempt('company', goTo(LOCATIONS.otherClientSite))).toBe('not_found')
        expect(await stage.attempt('company', goTo(LOCATIONS.foreignSite))).toBe('not_found')
        expect(await stage.attempt('company', goTo(LOCATIONS.office))).toBe('ok')
        expect(await placeOf(stage, id)).toEqual([
          { longitude: 0, time_zone: 'Europe/London', client_id: ORGANIZATIONS.company },
        ])
      }
    })
  })

  test('is not planned at a location that was removed', async () => {
    await rehearse(database, async (stage) => {
      await stage.owner.query('update locations set deleted_at = now() where id = $1', [LOCATIONS.site])
      for (const actor of ['company', 'admin', 'owner'] as const) {
        expect(await stage.attempt(actor, create(ORGANIZATIONS.company, LOCATIONS.site))).toBe('not_found')
      }
    })
  })
})
