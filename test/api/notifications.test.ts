import { describe, expect, it } from 'vitest'
import { sql } from '../../src/platform/db/drizzle.ts'
import { openSessions } from '../../src/platform/db/session.ts'
import { expectProblem, useApi } from '../support/api.ts'
import { arrangeAssignment, checkInId } from '../support/check-ins.ts'
import { refusalOf } from '../support/rehearsal.ts'
import { callerOf, type Persona, PROFESSIONALS, REGISTERED, USERS } from '../support/world.ts'

const api = useApi()

const personas = REGISTERED

interface Notification {
  id: string
  user_id: string
  type: string
  data: { shift_id: string }
  read_at: string | null
}

const list = async (persona: Persona, query = ''): Promise<Notification[]> =>
  (await api().as(persona).get(`/v1/notifications${query}`)).json().items

/** Of a shift that was just assigned. */
async function notified(): Promise<Notification> {
  const shift = await arrangeAssignment(api().owner)
  const [newest] = await list('guard')
  expect(newest).toMatchObject({ type: 'shift_assigned', data: { shift_id: shift.id } })
  return newest!
}

describe('notifications', () => {
  it("are the professional's user's own: also admins see them, and nobody else", async () => {
    const { id, ...rest } = await notified()
    expect(rest).toMatchObject({ user_id: USERS.guard, read_at: null })
    for (const persona of personas) {
      const ids = (await list(persona, '?limit=100')).map((item) => item.id)
      expect([persona, ids.includes(id)]).toEqual([persona, ['guard', 'admin'].includes(persona)])
    }
    expectProblem(await api().as(null).get('/v1/notifications'), 'unauthenticated')
  })

  it('come the newest first, page by page', async () => {
    const shifts = [
      await arrangeAssignment(api().owner, { professional: PROFESSIONALS.otherGuard }),
      await arrangeAssignment(api().owner, { professional: PROFESSIONALS.otherGuard }),
    ]
    await api().owner.query("update shifts set status = 'cancelled', cancel_reason = 'Fire' where id = $1", [
      shifts[0]!.id,
    ])
    const first = await api().as('otherGuard').get('/v1/notifications?limit=2')
    const { items, next_cursor } = first.json()
    const rest = await list('otherGuard', `?limit=2&cursor=${next_cursor}`)
    expect([...items, ...rest].map(({ type, data }: Notification) => [type, data.shift_id])).toEqual([
      ['shift_cancelled', shifts[0]!.id],
      ['shift_assigned', shifts[1]!.id],
      ['shift_assigned', shifts[0]!.id],
    ])
    expectProblem(
      await api().as('otherGuard').get(`/v1/notifications?unread=true&cursor=${next_cursor}`),
      'cursor_invalid',
    )
  })

  it('are read once: again changes nothing', async () => {
    const { id } = await notified()
    const path = `/v1/notifications/${id}/read`
    const read = await api().as('guard').post(path)
    expect(read.statusCode).toBe(200)
    expect(read.json()).toMatchObject({ id, read_at: expect.any(String) })
    const again = await api().as('guard').post(path)
    expect([again.statusCode, again.json()]).toEqual([200, read.json()])
  })

  it('are listed by whether they are read', async () => {
    const [read, unread] = [await notified(), await notified()]
    await api().as('guard').post(`/v1/notifications/${read.id}/read`)
    const idsOf = async (query: string) => (await list('guard', query)).map(({ id }) => id)
    expect(await idsOf('?unread=true&limit=100')).toContain(unread.id)
    expect(await idsOf('?unread=true&limit=100')).not.toContain(read.id)
    expect(await idsOf('?unread=false&limit=100')).toContain(read.id)
    expect(await idsOf('?unread=false&limit=100')).not.toContain(unread.id)
    expectProblem(await api().as('guard').get('/v1/notifications?unread=maybe'), 'validation_failed')
  })

  it('are marked by whom they are for alone', async () => {
    const { id } = await notified()
    for (const persona of personas.filter((persona) => persona !== 'guard')) {
      const response = await api().as(persona).post(`/v1/notifications/${id}/read`)
      expectProblem(response, persona === 'admin' ? 'forbidden' : 'not_found')
    }
    expectProblem(await api().as('guard').post(`/v1/notifications/${checkInId()}/read`), 'not_found')
    expect((await list('guard')).find((item) => item.id === id)).toMatchObject({ read_at: null })
  })

  it('are dated by the server, and have nothing else that a client could set', async () => {
    const { id } = await notified()
    const write = (statement: ReturnType<typeof sql>) =>
      openSessions(api().api).write(callerOf('guard'), (session) => session.rows(statement))
    const [row] = await write(
      sql`update notifications set read_at = 'infinity' where id = ${id} returning read_at = now() as is_now`,
    )
    expect(row).toEqual({ is_now: true })
    for (const statement of [
      sql`update notifications set type = 'shift_released' where id = ${id} returning id`,
      sql`update notifications set user_id = ${USERS.otherGuard} where id = ${id} returning id`,
      sql`insert into notifications (tenant_id, user_id, type) select tenant_id, user_id, type from notifications returning id`,
      sql`delete from notifications where id = ${id} returning id`,
    ]) {
      expect(await write(statement).then(() => 'ok', refusalOf)).toBe('forbidden')
    }
  })
})
