import type { Request } from 'autocannon'
import {
  type Bench,
  compare,
  compareWithLimit,
  competeFlawlessly,
  type HttpWork,
  inDatabase,
  overHttp,
  type Path,
  type PathResult,
  state,
} from '../bench.ts'
import { type CallerToken, tokensOf } from '../callers.ts'
import { asOwner } from '../cluster.ts'
import { COMPANIES } from '../dataset.ts'
import { compete } from '../measure.ts'

const PLANNERS_AT_WORK = 16
/** About what a turn's seconds are enough for. */
const ASSIGNMENTS_PER_SECOND = 400
const CONTENDED_GUARDS = 5

type Pair = {
  shift_id: string
  professional_id: string
  company: number
}

/** Open shifts, each with a guard who can take it, and takes none at the same time: on every other day, one a day. */
const PAIRS = `
create table if not exists bench_pairs as
with guards as (
  select p.id, row_number() over (order by md5(p.id::text)) as rank
  from security_professionals p
  where p.status = 'active'
    and 2 = (
      select count(distinct c.kind)
      from certificates c
      where c.professional_id = p.id
        and c.kind in ('vca', 'beveiligingspas')
        and c.verified_at is not null
        and c.valid_until > current_date + 30
    )
), open as (
  select s.id, s.company_id, row_number() over (partition by s.day order by md5(s.id::text)) as rank
  from (
    select s.*, (s.start_datetime at time zone 'UTC')::date - current_date as day
    from shifts s
    where s.status = 'published'
  ) s
  where s.day between 5 and 26
    and s.day % 2 = 1
)
select row_number() over (order by md5(o.id::text)) - 1 as nth, o.id as shift_id, g.id as professional_id, o.company_id,
       ('x' || right(o.company_id::text, 8))::bit(32)::int as company
from open o
join guards g using (rank);
create unique index if not exists bench_pairs_nth on bench_pairs (nth);
analyze bench_pairs;
create sequence if not exists bench_next_pair minvalue 0;
`

/** Half of them for the service, half for pgbench. */
async function makePairs(bench: Bench): Promise<{ ours: Pair[] }> {
  return asOwner(bench.databaseUrl, async (database) => {
    await database.script(PAIRS)
    const pairs = await database.query<Pair>('select * from bench_pairs order by nth')
    const half = pairs.length >> 1
    await database.query(`select setval('bench_next_pair', ${half}, false)`)
    return { ours: pairs.slice(0, half) }
  })
}

/** An update that finds no shift costs nothing. @throws Error when pgbench came to the end of the pairs */
async function requirePairsLeft(bench: Bench): Promise<void> {
  const [row] = await asOwner(bench.databaseUrl, (database) =>
    database.query<{ is_out: boolean }>(
      'select n.last_value > (select max(nth) from bench_pairs) as is_out from bench_next_pair n',
    ),
  )
  if (row!.is_out)
    throw new Error('There were too few open shifts to assign: give it a larger scale, or fewer rounds.')
}

const assignRequest = (
  planners: readonly CallerToken[],
  { shift_id, professional_id, company }: Pair,
): Request => ({
  method: 'POST',
  path: `/v1/shifts/${shift_id}/assign`,
  headers: { authorization: planners[company - 1]!.authorization, 'content-type': 'application/json' },
  body: JSON.stringify({ professional_id }),
})

/** Each turn takes its own shifts. */
export async function assignments(
  bench: Bench,
  planners: readonly CallerToken[],
): Promise<HttpWork & { perTurn: number }> {
  const { ours } = await makePairs(bench)
  const turns = 2 * (bench.rounds + 1)
  const perTurn = Math.min(
    Math.floor(ours.length / turns / PLANNERS_AT_WORK) * PLANNERS_AT_WORK,
    Math.ceil((ASSIGNMENTS_PER_SECOND * bench.seconds) / PLANNERS_AT_WORK) * PLANNERS_AT_WORK,
  )
  return {
    callers: planners,
    requests: () => ours.splice(0, perTurn).map((pair) => assignRequest(planners, pair)),
    connections: PLANNERS_AT_WORK,
    once: true,
    isScarce: true,
    perTurn,
  }
}

/** Update, payment, notification and every rule, in one transaction. */
export const assign: Path = {
  name: 'assign',
  async run(bench): Promise<PathResult> {
    const work = await assignments(bench, await tokensOf('planner', COMPANIES))
    const measured = await competeFlawlessly(
      [
        overHttp(bench, 'muster', bench.service, work),
        inDatabase(bench, 'limit', {
          script: `update shifts s set status = 'assigned', professional_id = p.professional_id
            from bench_pairs p where p.nth = (select nextval('bench_next_pair')) and s.id = p.shift_id;`.replaceAll(
            '\n',
            ' ',
          ),
          clients: PLANNERS_AT_WORK,
          transactions: work.perTurn,
        }),
      ],
      bench.rounds,
    )
    await requirePairsLeft(bench)
    return {
      rows: compareWithLimit('assign', measured.muster, measured.limit, { atMost: 1.2 }),
      measured: [{ path: 'assign', contenders: Object.values(measured) }],
    }
  },
}

/** Everybody wants the same few guards: most are refused, none waits for ever. */
export const contention: Path = {
  name: 'contention',
  async run(bench): Promise<PathResult> {
    const planners = await tokensOf('planner', COMPANIES)
    const { ours } = await makePairs(bench)
    const wanted = ours.slice(-CONTENDED_GUARDS).map(({ professional_id }) => professional_id)
    const deadlocks = () =>
      asOwner(bench.databaseUrl, async (database) => {
        const [row] = await database.query<{ deadlocks: string }>(
          'select deadlocks from pg_stat_database where datname = current_database()',
        )
        return Number(row!.deadlocks)
      })
    const before = await deadlocks()
    const { muster } = await compete(
      [
        overHttp(bench, 'muster', bench.service, {
          requests: () =>
            ours.map((pair, nth) =>
              assignRequest(planners, { ...pair, professional_id: wanted[nth % wanted.length]! }),
            ),
          connections: PLANNERS_AT_WORK,
        }),
      ],
      bench.rounds,
    )
    const unexpected = Object.keys(muster.statuses).filter((status) => !['200', '409'].includes(status))
    if (unexpected.length > 0)
      throw new Error(`Contention was answered with ${JSON.stringify(muster.statuses)}.`)
    const path = `assign, ${PLANNERS_AT_WORK} clients on ${CONTENDED_GUARDS} guards`
    return {
      rows: [
        state(path, 'deadlocks', (await deadlocks()) - before, { atMost: 0 }),
        compare(path, 'p99 ms', muster.p99_ms, { name: 'p50', value: muster.p50_ms }, { atMost: 10 }),
      ],
      measured: [{ path, contenders: [muster] }],
    }
  },
}
