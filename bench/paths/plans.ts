import postgres from 'postgres'
import { recordCheckIn } from '../../src/guarding/checkins/queries.ts'
import {
  assignShift,
  listCandidates,
  listNearbyShifts,
  listShifts,
  shiftById,
} from '../../src/guarding/shifts/queries.ts'
import type { Database, Parameter, Row, Transaction } from '../../src/platform/db/engine/database.ts'
import { SERVER_DEFAULTS } from '../../src/platform/db/engine/server.ts'
import { type FunctionCaller, openSessions, type Session } from '../../src/platform/db/session.ts'
import { type Bench, type Path, type PathResult, type Plan, state } from '../bench.ts'
import { benchId, FIRST_ACTIVE_SHIFT } from '../callers.ts'
import { asOwner } from '../cluster.ts'
import { homes } from '../points.ts'

/** One hot query: what is asked, which of its statements are worth a look, and why they are good. */
interface Hot {
  name: string
  why: string
  /** In the text of the statements to show. */
  statements: RegExp
  caller: { kind: 'guard' | 'planner'; nth: number }
  ask(session: Session, request: FunctionCaller): Promise<unknown>
}

/** A plan before this is one for the very values of the call; what is shown is the one that is kept. */
const CALLS = 7

/** What PostgreSQL does for each hot query, as `auto_explain` saw it inside of the functions. */
export const plans: Path = {
  name: 'plans',
  async run(bench): Promise<PathResult> {
    const explained = await openExplained(bench.databaseUrl)
    if (!explained) {
      bench.say('This server has no auto_explain: no plans.')
      return { rows: [], measured: [] }
    }
    try {
      const found: Plan[] = []
      for (const { name, why, statements, caller, ask } of await hotQueries(bench)) {
        const sessions = openSessions(explained.database)
        const as = {
          role: 'authenticated',
          userId: null,
          claims: { sub: benchId(caller.kind, caller.nth), role: 'authenticated' },
          expiresAt: null,
        } as const
        const request: FunctionCaller = {
          call: (call, parameters) => sessions.call(as, call, parameters),
          async performForText(action, parameters) {
            return (await sessions.call<{ answer: string }>(as, action.plain, parameters)).answer
          },
          async perform(action, parameters) {
            return JSON.parse(await this.performForText(action, parameters))
          },
        }
        const seen = await explained.watch(() => sessions.write(as, (session) => ask(session, request)))
        const shown = seen.filter((plan) => statements.test(plan)).map(trimPlan)
        if (shown.length === 0) throw new Error(`${name} ran none of the statements that are to be shown.`)
        found.push({ name, why, plans: shown })
      }
      const scans = found.flatMap(({ plans }) => plans).filter((plan) => / Seq Scan on /.test(plan)).length
      return { rows: [state('plans', 'sequential scans', scans, { atMost: 0 })], measured: [], plans: found }
    } finally {
      await explained.close()
    }
  },
}

async function hotQueries(bench: Bench): Promise<Hot[]> {
  const [point] = await homes(bench, 1)
  const [open] = await asOwner(bench.databaseUrl, (database) =>
    database.query<{ id: string; company: number; professional_id: string }>(
      `select s.id, ('x' || right(s.company_id::text, 8))::bit(32)::int as company, c.professional_id
       from shifts s
       cross join lateral (
         select c.professional_id from certificates c
         where c.kind = any (s.required_certificates) and c.verified_at is not null
         group by c.professional_id
         having count(*) = cardinality(s.required_certificates) and min(c.valid_until) > s.end_datetime
         limit 1
       ) c
       where s.status = 'published' and s.start_datetime > now() + interval '5 days'
       limit 1`,
    ),
  )
  const [eligible] = await asOwner(bench.databaseUrl, (database) =>
    database.query<{ nth: number }>(
      `select ('x' || right(p.user_id::text, 8))::bit(32)::int as nth
       from security_professionals p join certificates c on c.professional_id = p.id
       where p.status = 'active' and c.kind = 'vca' and c.verified_at is not null
       limit 1`,
    ),
  )
  const nearby = { ...point!, radius_meters: 5_000, eligible_only: false }
  const repeated = async <T>(work: () => Promise<T>): Promise<void> => {
    for (let call = 0; call < CALLS; call += 1) await work()
  }
  const guard = { kind: 'guard', nth: eligible!.nth } as const
  const planner = { kind: 'planner', nth: open!.company } as const
  const atShift = benchId('shift', FIRST_ACTIVE_SHIFT + guard.nth - 1)
  return [
    {
      name: 'GET /v1/shifts/nearby',
      why: 'The partial spatial index has the open shifts alone, with start and pay beside the point, and gives the nearest first: it stops at a page and a few spare ones, whatever the radius, and where a filter leaves little the index itself leaves out the rest. Each location is one look by key.',
      statements: /st_dwithin/,
      caller: guard,
      ask: (_, request) => repeated(() => listNearbyShifts(request, nearby, 20, undefined)),
    },
    {
      name: 'GET /v1/shifts/nearby?eligible_only=true&min_hourly_rate=40',
      why: 'The same scan: what a shift pays is a condition of the index, what certificates and hours rule out is compared with two values that were read once, and only what passes is looked at closely.',
      statements: /st_dwithin/,
      caller: guard,
      ask: (_, request) =>
        repeated(() =>
          listNearbyShifts(request, { ...nearby, eligible_only: true, min_hourly_rate: 40 }, 20, undefined),
        ),
    },
    {
      name: 'GET /v1/shifts, of a company',
      why: 'Each place where a caller can have shifts has an index in the order of the list, and gives at most a page. The places that are not the caller’s are never executed, and a later page begins where the former ended.',
      statements: /with answer as/,
      caller: planner,
      ask: (session) => session.rowsText(listShifts({}, 20, undefined)),
    },
    {
      name: 'GET /v1/shifts/:id',
      why: 'Shift, location, professional, the number of check-ins and the last one in one statement: a look by key each, and the check-ins by the index that begins with their shift.',
      statements: /with answer as/,
      caller: planner,
      ask: (session) => session.row(shiftById({ id: open!.id })),
    },
    {
      name: 'GET /v1/shifts/:id/candidates',
      why: 'The index on the areas where guards live gives the nearest first, and the cursor stops after a page: only those are weighed against the rules.',
      statements: /home_area[\s\S]*order by/,
      caller: planner,
      ask: (_, request) =>
        repeated(() => listCandidates(request, open!.id, { eligible_only: false }, 20, undefined)),
    },
    {
      name: 'POST /v1/shifts/:id/checkins',
      why: 'The shift is found and locked by its key, its location read by its key, the row inserted: no statement’s work depends on how many check-ins there are.',
      statements:
        /from public\.shifts s where s\.id = new\.shift_id|select l\.radius_meters|insert into public\.gps_checkins/,
      caller: guard,
      ask: (_, request) =>
        repeated(() =>
          recordCheckIn(request, {
            id: crypto.randomUUID(),
            shift_id: atShift,
            kind: 'ping',
            latitude: 52.3731,
            longitude: 4.8922,
            accuracy_meters: 10,
            recorded_at: new Date().toISOString(),
          }),
        ),
    },
    {
      name: 'POST /v1/shifts/:id/assign',
      why: 'The shift and the professional are found and locked by their keys, the certificates and the other shifts by indexes that begin with the professional: the work is that of one guard’s papers and calendar, not of all.',
      statements:
        /update public\.shifts s\s+set status|from public\.certificates c\s+where c\.professional_id = professional|from public\.shifts other|from public\.security_professionals p where p\.id = new\.professional_id/,
      caller: planner,
      ask: (_, request) => assignShift(request, open!.id, open!.professional_id),
    },
  ]
}

interface Explained {
  /** One connection, with the settings that the service's have. */
  database: Database
  /** The plans of the statements that `work` runs, functions' own ones too; of those that come again the last. */
  watch(work: () => Promise<unknown>): Promise<string[]>
  close(): Promise<void>
}

/** Undefined where the server has no `auto_explain`, or the login may not load it. */
async function openExplained(url: string): Promise<Explained | undefined> {
  const notices: string[] = []
  const client = postgres(url, {
    max: 1,
    onnotice: ({ message }) => notices.push(message ?? ''),
    connection: { search_path: 'public, extensions', ...SERVER_DEFAULTS.settings },
    types: { json: { to: 114, from: [114, 3802], serialize: String, parse: JSON.parse } },
  })
  try {
    await client.unsafe(`
      load 'auto_explain';
      set auto_explain.log_min_duration = 0;
      set auto_explain.log_nested_statements = on;
      set auto_explain.log_analyze = on;
      set auto_explain.log_buffers = on;
      set auto_explain.log_timing = off;
      set auto_explain.log_level = notice;
    `)
  } catch {
    await client.end()
    return undefined
  }
  const query = <R extends Row>(text: string, parameters: readonly Parameter[] = []): Promise<R[]> =>
    client.unsafe<R[]>(text, [...parameters], { prepare: true })
  const transaction: Database['transaction'] = async (work, { enter } = {}) => {
    await client.unsafe('begin')
    try {
      if (enter) await query(enter.text, enter.parameters)
      return await work({ query } satisfies Transaction)
    } finally {
      // Nothing of this is kept.
      await client.unsafe('rollback')
    }
  }
  return {
    database: {
      kind: 'server',
      transaction,
      query,
      script: async (text) => void (await client.unsafe(text)),
      listen: () => Promise.reject(new Error('There is nothing to listen to.')),
      close: () => client.end(),
    },
    async watch(work) {
      notices.length = 0
      await work()
      const byStatement = new Map<string, string>()
      for (const notice of notices) {
        const [, statement, plan] =
          /^duration: .*? plan:\nQuery Text: ([\s\S]*?)\n(\S.*\(cost=[\s\S]*)$/.exec(notice) ?? []
        if (statement && plan) byStatement.set(statement, `${statement}\n\n${plan}`)
      }
      return [...byStatement.values()]
    },
    close: () => client.end(),
  }
}

/** Wider than this is scrolled, not read. */
const PLAN_WIDTH = 150

/**
 * What a reader needs of a plan: what was done, how often, and how many pages that took in all. Not what it was expected to
 * cost, nor whose branches were never entered for this caller.
 */
export function trimPlan(text: string): string {
  const [statement, plan] = text.split(/\n\n(?=.*\(actual )/, 2)
  const lines = plan!
    .replaceAll(/ *\(cost=\S+ rows=\d+ width=\d+\)/g, '')
    .replaceAll(/^ *InitPlan \d+ \(returns \S+\)\n *-> +Result +\(never executed\)\n/gm, '')
    .trimEnd()
    .split('\n')
  const top = lines.findIndex((line) => /^ *Buffers: /.test(line))
  return [
    shorten(statement!.replaceAll(/\s+/g, ' ').trim()),
    ...lines.filter((line, nth) => nth === top || !/^ *Buffers: /.test(line)).map(shorten),
  ].join('\n')
}

const shorten = (line: string): string =>
  line.length > PLAN_WIDTH ? `${line.slice(0, PLAN_WIDTH).trimEnd()} …` : line.trimEnd()
