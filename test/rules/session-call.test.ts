import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { anonymousCaller } from '../../src/platform/auth/caller.ts'
import type { Database } from '../../src/platform/db/engine/database.ts'
import { functionCall } from '../../src/platform/db/function-call.ts'
import { openSessions, type Sessions } from '../../src/platform/db/session.ts'
import { openApiLogin } from '../support/api.ts'
import { useTestDatabase } from '../support/database.ts'
import { buildWorld, callerOf, ORGANIZATIONS, USERS } from '../support/world.ts'

const prepared = useTestDatabase()
const owner = (): Database => prepared().owner
let api: Database
let sessions: Sessions

beforeAll(async () => {
  await buildWorld(owner())
  await owner().script(`
    create table public.calls (caller uuid primary key);
    alter table public.calls enable row level security;
    create policy own on public.calls to authenticated
      using (caller = (select auth.uid())) with check (caller = (select auth.uid()));
    grant select, insert on public.calls to authenticated;

    create function public.who(said text) returns text language plpgsql as $$
      begin return concat_ws(' ', current_user, auth.uid(), said); end
    $$;
    create function public.companies(out mine uuid[], out all_mine boolean) language plpgsql as $$
      begin
        select array_agg(o.id) into mine from public.organizations o where o.kind = 'company';
        all_mine := coalesce(mine = array[muster.company_id()], false);
      end
    $$;
    create function public.call_in(who uuid) returns bigint language plpgsql as $$
      begin
        insert into public.calls values (who);
        return (select count(*) from public.calls);
      end
    $$;
    create sequence public.attempts;
    grant usage on sequence public.attempts to public;
    create function public.succeed_at(attempt integer, sqlstate text) returns bigint language plpgsql as $$
      begin
        if nextval('public.attempts') < attempt then
          raise exception 'not yet' using errcode = sqlstate;
        end if;
        return currval('public.attempts');
      end
    $$;
    revoke execute on function public.who(text), public.call_in(uuid) from public;
    grant execute on function public.who(text), public.call_in(uuid) to muster_api, authenticated;
  `)
  // One connection: what a call leaves behind, the next one has.
  api = await openApiLogin(prepared(), readConfig({ DATABASE_POOL_SIZE: '1' }))
  sessions = openSessions(api)
})
afterAll(async () => {
  if (api !== owner()) await api.close()
})

const who = functionCall('public.who', ['said'], { answer: 'answer' })
const callIn = functionCall('public.call_in', ['who'], { count: 'answer' })
const companies = functionCall('public.companies', [], {
  mine: '(answer).mine::text',
  all_mine: '(answer).all_mine',
})
const succeedAt = functionCall('public.succeed_at', ['attempt', 'sqlstate'], { attempt: 'answer' })

/** What the connection has when nobody uses it. */
async function leftBehind(): Promise<unknown> {
  const [row] = await api.query(
    `select current_user = session_user as "isLogin", current_setting('role') as role,
            nullif(current_setting('request.jwt.claims', true), '') as claims`,
  )
  return row
}
const NOTHING = { isLogin: true, role: 'none', claims: null }

describe('a call of one function', () => {
  it('is made as the caller: role, claims and policies', async () => {
    expect(await sessions.call(callerOf('guard'), who, ['hello'])).toEqual({
      answer: `authenticated ${USERS.guard} hello`,
    })
    expect(await sessions.call(callerOf('company'), companies, [])).toEqual({
      mine: `{${ORGANIZATIONS.company}}`,
      all_mine: true,
    })
  })

  it('leaves nothing of the caller on the connection', async () => {
    await sessions.call(callerOf('guard'), who, ['hello'])
    expect(await leftBehind()).toEqual(NOTHING)
    await expect(sessions.call(callerOf('guard'), callIn, [USERS.otherGuard])).rejects.toMatchObject({
      code: '42501',
    })
    expect(await leftBehind()).toEqual(NOTHING)
  })

  it('writes, and is committed when it answers', async () => {
    expect(await sessions.call(callerOf('guard'), callIn, [USERS.guard])).toEqual({
      count: expect.anything(),
    })
    expect(await owner().query('select caller from calls')).toEqual([{ caller: USERS.guard }])
    // Others do not see the row: the policy holds inside of the function.
    const { count } = await sessions.call<{ count: unknown }>(callerOf('otherGuard'), callIn, [
      USERS.otherGuard,
    ])
    expect(Number(count)).toBe(1)
  })

  it('is refused to those who may not execute it', async () => {
    await expect(sessions.call(anonymousCaller(), who, ['hello'])).rejects.toMatchObject({ code: '42501' })
    expect(await leftBehind()).toEqual(NOTHING)
  })

  it('is made again after a deadlock, and only then', async () => {
    const { attempt } = await sessions.call<{ attempt: unknown }>(callerOf('guard'), succeedAt, [3, '40P01'])
    expect(Number(attempt)).toBe(3)
    await owner().query("select setval('attempts', 1, false)")
    await expect(sessions.call(callerOf('guard'), succeedAt, [2, '23505'])).rejects.toMatchObject({
      code: '23505',
    })
  })

  it('isolates concurrent callers from each other', async () => {
    const personas = ['guard', 'otherGuard', 'company', 'client', 'admin'] as const
    const calls = Array.from({ length: 50 }, (_, nth) => {
      const persona = personas[nth % personas.length]!
      return sessions
        .call<{ answer: string }>(callerOf(persona), who, [String(nth)])
        .then(({ answer }) => [answer, `authenticated ${USERS[persona]} ${nth}`])
    })
    for (const [answer, expected] of await Promise.all(calls)) expect(answer).toBe(expected)
  })
})
