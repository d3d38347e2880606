import { availableParallelism } from 'node:os'
import { expect, it } from 'vitest'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { authenticated, RecordingChannel, subscriberOf, useRouter } from '../support/changes.ts'
import { patience } from '../support/patience.ts'
import { trialSize } from '../support/trial.ts'
import { arrangeShift, buildWorld, USERS } from '../support/world.ts'

/*
 * The log has a commit before other sessions see it. Under load the difference is long enough for a check to miss the row,
 * and the event would be lost without a trace.
 */

const ALICE = authenticated({ sub: 'a11ce000-0000-7000-8000-000000000001' })
const SUBJECT = JSON.parse(ALICE.claims).sub as string

/** Of three seconds of inserts some ten or more were lost each time that the wait was taken away. */
const INSERTS = trialSize(8_000, 20_000)
const WRITERS = 8

const rt = useRouter(async (owner) => {
  await buildWorld(owner)
  await owner.script(`
    create table events (id int primary key, owner uuid);
    alter table events enable row level security;
    grant select on events to authenticated;
    create policy events_read on events for select to authenticated using (owner = (select auth.uid()));
    alter publication supabase_realtime add table events;
  `)
})

it(
  'loses and repeats no insert, with the processors busy with something else',
  async () => {
    const channel = new RecordingChannel()
    await rt().follow(ALICE, { table: 'events' }, channel)
    const busy = openServer({ url: rt().database.ownerUrl!, max: availableParallelism() })
    const writers = openServer({
      url: rt().database.ownerUrl!,
      max: WRITERS,
      settings: { synchronous_commit: 'on' },
    })
    let isDone = false
    const load = Array.from({ length: availableParallelism() }, async () => {
      while (!isDone) await busy.query('select count(*) from generate_series(1, 200000)')
    })
    try {
      let next = 0
      await Promise.all(
        Array.from({ length: WRITERS }, async () => {
          while (next < INSERTS) {
            next += 1
            await writers.query('insert into events values ($1, $2)', [next, SUBJECT])
          }
        }),
      )
      await channel.reach(INSERTS)
    } finally {
      isDone = true
      await Promise.all(load)
      await busy.close()
      await writers.close()
    }
    const ids = channel.frames.map(({ data }) => Number(data.record?.id))
    expect(new Set(ids).size).toBe(INSERTS)
    expect(ids).toHaveLength(INSERTS)
    expect(rt().gaps).toEqual([])
  },
  patience(300_000),
)

it('tells nothing of a change to one who was suspended before it, however long that took to commit', async () => {
  const suspending = openServer({ url: rt().database.ownerUrl!, max: 1 })
  const [company, guard] = [new RecordingChannel(), new RecordingChannel()]
  await rt().follow(subscriberOf('company'), { table: 'shifts' }, company)
  const shift = await arrangeShift(rt().owner)
  await company.reach(1)
  const rename = (title: string) =>
    rt().owner.query('update shifts set title = $2 where id = $1', [shift, title])
  const rounds = Array.from({ length: 20 }, (_, round) => round)
  try {
    for (const round of rounds) {
      const { promise: isMade, resolve: made } = Promise.withResolvers<void>()
      const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>()
      const done = suspending.transaction(async (tx) => {
        await tx.query('update users set deleted_at = now() where id = $1', [USERS.guard])
        made()
        await mayCommit
      })
      await isMade
      // Their groups are read while the suspension is under way, and other transactions come and go.
      const { subscription } = await rt().follow(subscriberOf('guard'), { table: 'shifts' }, guard)
      await rename(`before ${round}`)
      await guard.reach(round + 1)
      commit()
      await done
      const since = company.frames.length
      await rename(`after ${round}`)
      await company.reach(since + 1)
      subscription.unsubscribe()
      await rt().owner.query('update users set deleted_at = null where id = $1', [USERS.guard])
    }
  } finally {
    await suspending.close()
  }
  expect(guard.frames.map(({ data }) => data.record?.title)).toEqual(rounds.map((round) => `before ${round}`))
})
