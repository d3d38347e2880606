import { createHmac } from 'node:crypto'
import type { SignIn } from './sign-in.ts'

/** A user of the demo whom people sign in as. */
export interface DemoUser {
  readonly id: string
  readonly email: string
}

/**
 * The password of all persons of the demo, in development: another one on each machine, because it is made of the secret that is kept
 * in `DATA_DIR`, and the same at each start.
 */
export const demoPassword = (secret: string): string =>
  `demo-${createHmac('sha256', secret).update('password of the demo').digest('base64url').replace(/[-_]/g, '').slice(0, 12)}`

/**
 * Gives the persons of the demo a way in, where they have none. Only those who are users: a database without a demo stays without.
 *
 * @returns whether anybody of the demo can sign in by the password now
 */
export async function makeDemoAccounts(
  { database, passwords }: SignIn,
  users: readonly DemoUser[],
  password: string,
): Promise<boolean> {
  const given = JSON.stringify(users.map(({ id, email }) => ({ id, email })))
  await database.query(
    `with made as (
       insert into sign_in.users (id, name, email, email_verified)
       select d.id, split_part(d.email, '@', 1), d.email, true
       from jsonb_to_recordset($1::jsonb) as d (id uuid, email text)
       where muster.may_sign_in(d.id)
       on conflict do nothing
       returning id
     )
     insert into sign_in.accounts (user_id, account_id, provider_id)
     select m.id, m.id::text, 'credential' from made m`,
    [given],
  )
  // Also of those who have one: the secret that it is made of may be another.
  const held = await database.query(
    `update sign_in.accounts a set password = $2
     where a.provider_id = 'credential' and a.user_id in (select d.id from jsonb_to_recordset($1::jsonb) as d (id uuid))
     returning a.id`,
    [given, await passwords.hash(password)],
  )
  return held.length > 0
}

/** Takes their ways in away, where a database of development came into production. @returns how many sessions and accounts went */
export async function forgetDemoAccounts({ database }: SignIn, users: readonly DemoUser[]): Promise<number> {
  const gone = await database.query(
    `with demo as (select d.id from jsonb_to_recordset($1::jsonb) as d (id uuid)),
     ended as (delete from sign_in.sessions s where s.user_id in (select id from demo) returning s.id)
     delete from sign_in.accounts a where a.user_id in (select id from demo) returning a.id`,
    [JSON.stringify(users)],
  )
  return gone.length
}
