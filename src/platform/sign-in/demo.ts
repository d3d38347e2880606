import { hkdfSync } from 'node:crypto'
import type { SignIn } from './sign-in.ts'

/** Somebody of a demo. */
export interface DemoPerson {
  readonly id: string
  readonly email: string
}

/** The password of everybody in a demo: this installation's, so that one that somebody reached by mistake is not open to the world. */
export const demoPassword = (secret: string): string =>
  `demo-${Buffer.from(hkdfSync('sha256', secret, '', 'muster sign-in demo', 9)).toString('base64url')}`

/** Gives those of a demo who are users of this database a way in. Never in production. */
export async function giveDemoAccounts(
  { database, passwords }: SignIn,
  persons: readonly DemoPerson[],
  password: string,
): Promise<void> {
  const missing = await database.query<{ id: string; email: string }>(
    `select p.id, p.email
     from json_to_recordset($1) as p (id uuid, email text)
     where muster.may_sign_in(p.id) and not exists (select from sign_in.users u where u.id = p.id or u.email = p.email)`,
    [JSON.stringify(persons.map(({ id, email }) => ({ id, email })))],
  )
  if (missing.length === 0) return
  const hash = await passwords.hash(password)
  await database.query(
    `with made as (
       insert into sign_in.users (id, name, email, email_verified)
       select p.id, split_part(p.email, '@', 1), p.email, true
       from json_to_recordset($1) as p (id uuid, email text)
       on conflict do nothing
       returning id
     )
     insert into sign_in.accounts (user_id, account_id, provider_id, password)
     select id, id::text, 'credential', $2 from made`,
    [JSON.stringify(missing), hash],
  )
}
