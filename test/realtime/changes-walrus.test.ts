import { expect, it } from 'vitest'
import { ANON, authenticated, RecordingChannel, useRouter } from '../support/changes.ts'

/* REALTIME_WALRUS_COMPATIBLE: Supabase's rules where ours are tighter. */

const ALICE = authenticated({ sub: 'a11ce000-0000-7000-8000-000000000001' })

const rt = useRouter(
  (owner) =>
    owner.script(`
      create table notes (id int primary key, owner text, rank int);
      alter table notes enable row level security;
      alter table notes replica identity full;
      grant select on notes to authenticated;
      create policy notes_read on notes for select to authenticated using (owner = 'nobody');
      create table keyless (id int primary key, body text);
      grant select (body) on keyless to authenticated;
      alter publication supabase_realtime add table notes, keyless;
    `),
  { walrusCompatible: true },
)

it('a deletion goes to every subscriber, with the key as far as the role may read it', async () => {
  const { channel } = await rt().follow(ALICE, { table: 'notes', event: 'DELETE' })
  const { channel: anonymous } = await rt().follow(ANON, { table: 'notes', event: 'DELETE' })
  const { channel: keyless } = await rt().follow(ALICE, { table: 'keyless', event: 'DELETE' })
  await rt().owner.query("insert into notes values (1, 'a', 1)")
  await rt().owner.query('delete from notes where id = 1')
  await rt().owner.query("insert into keyless values (1, 'a')")
  await rt().owner.query('delete from keyless where id = 1')
  await channel.reach(1)
  await keyless.reach(1)
  expect(channel.summary).toEqual([['DELETE', { id: 1 }]])
  expect(anonymous.summary).toEqual([['DELETE', {}]])
  expect(keyless.summary).toEqual([['DELETE', {}]])
})

it('a filter on a deletion is judged on all old values', async () => {
  const channel = new RecordingChannel()
  await rt().follow(ALICE, { table: 'notes', event: 'DELETE', filter: 'rank=eq.7' }, channel, 1)
  await rt().follow(ALICE, { table: 'notes', event: 'DELETE', filter: 'rank=eq.8' }, channel, 2)
  await rt().owner.query("insert into notes values (2, 'a', 7)")
  await rt().owner.query('delete from notes where id = 2')
  await channel.reach(1)
  expect(channel.frames.map(({ ids, data }) => [ids, data.old_record])).toEqual([[[1], { id: 2 }]])
})
