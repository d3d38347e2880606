import { availableParallelism } from 'node:os'
import { expect, it } from 'vitest'
import { openServer } from '../../src/db/engine/server.ts'
import { authenticated, RecordingChannel, useRouter } from '../support/changes.ts'
import { patience } from '../support/patience.ts'
import { trialSize } from '../support/trial.ts'

/*
 * The log has a commit before other sessions see it. Under load the difference is long enough for a check to miss the row,
 * and the event would be lost without a trace.
 */

const ALICE = authenticated({ sub: 'a11ce000-0000-7000-8000-000000000001' })
const SUBJECT = JSON.parse(ALICE.claims).sub as string

/** Of three seconds of inserts some ten or more were lost each time that the wait was taken away. */
const INSERTS = trialSize(8_000, 20_000)
const WRITERS = 8

const rt = useRouter((owner) =>
  owner.script(`
    create table events (id int primary key, owner uuid);
    alter table events enable row level security;
    grant select on events to authenticated;
    create policy events_read on events for select to authenticated using (owner = (select auth.uid()));
    alter publication supabase_realtime add table events;
  `),
)

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
