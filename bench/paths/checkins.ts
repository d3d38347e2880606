import { randomUUID } from 'node:crypto'
import type { Request } from 'autocannon'
import {
  type Bench,
  compareCpu,
  compareWithLimit,
  competeFlawlessly,
  inDatabase,
  overHttp,
  type Path,
  type PathResult,
  state,
} from '../bench.ts'
import { benchId, type CallerToken, FIRST_ACTIVE_SHIFT, tokensOf } from '../callers.ts'
import { datasetSize } from '../dataset.ts'
import type { Measured } from '../measure.ts'

/** Phones that deliver at the same time, in the service and in pgbench alike. */
export const PHONES = 16
const GUARDS = 2_000
/** About what a turn's seconds are enough for. */
const CHECKINS_PER_SECOND = 3_000
const BATCH = 1_000
const BATCHES_PER_SECOND = 10
const SINGLES_PER_SECOND = 400

/** Any place will do: how far it is from the site is computed all the same. */
const PLACE = { latitude: 52.3731, longitude: 4.8922 }

export const guardCount = (bench: Pick<Bench, 'scale'>): number =>
  Math.min(GUARDS, datasetSize(bench.scale).activeShifts)

/** Active shifts began an hour ago, and take check-ins from two hours earlier. */
const WINDOW_MS = 2 * 60 * 60 * 1000

/** At any time of the window: of one minute a shift takes 120 pings. */
const newCheckin = () => ({
  id: randomUUID(),
  kind: 'ping',
  ...PLACE,
  accuracy_meters: 10,
  recorded_at: new Date(Date.now() - Math.random() * WINDOW_MS).toISOString(),
})

const shiftOf = ({ nth }: CallerToken): string => benchId('shift', FIRST_ACTIVE_SHIFT + nth - 1)

const headersOf = ({ authorization }: CallerToken): Record<string, string> => ({
  authorization,
  'content-type': 'application/json',
  'idempotency-key': randomUUID(),
})

/** New check-ins, each of another guard, at a shift of theirs. */
export const checkinRequests = (guards: readonly CallerToken[], count: number): Request[] =>
  Array.from({ length: count }, (_, nth) => {
    const guard = guards[nth % guards.length]!
    return {
      method: 'POST',
      path: `/v1/shifts/${shiftOf(guard)}/checkins`,
      headers: headersOf(guard),
      body: JSON.stringify(newCheckin()),
    }
  })

/** Of guards in turn, another one first each time: a thousand pings fill an eighth of a window. */
export const batchRequests = (guards: readonly CallerToken[], count: number): Request[] => {
  const first = Math.floor(Math.random() * guards.length)
  return Array.from({ length: count }, (_, nth) => {
    const guard = guards[(first + nth) % guards.length]!
    const items = Array.from({ length: BATCH }, () => ({ ...newCheckin(), shift_id: shiftOf(guard) }))
    return {
      method: 'POST',
      path: '/v1/checkins/batch',
      headers: headersOf(guard),
      body: JSON.stringify({ items }),
    }
  })
}

/** So many check-ins of one guard in one statement: the same rows by the same trigger, without any access check. */
const insertScript = (guards: number, rows: number): string => `
\\set nth random(0, ${guards - 1})
insert into gps_checkins (id, shift_id, kind, gps_point, accuracy_meters, recorded_at)
  select gen_random_uuid(), bench_id('s', ${FIRST_ACTIVE_SHIFT} + :nth), 'ping',
         st_point(${PLACE.longitude}, ${PLACE.latitude})::geography, 10, now() - random() * interval '${WINDOW_MS} ms'
  from generate_series(1, ${rows});
`

export const checkins: Path = {
  name: 'check-ins',
  async run(bench): Promise<PathResult> {
    const guards = await tokensOf('guard', guardCount(bench))
    const perTurn = (perSecond: number, turn: 'warm-up' | 'round'): number =>
      Math.ceil(perSecond * bench.seconds * (turn === 'round' ? 1 : 0.5))
    const singles = await competeFlawlessly(
      [
        overHttp(bench, 'muster', bench.service, {
          callers: guards,
          requests: (turn) => checkinRequests(guards, perTurn(CHECKINS_PER_SECOND, turn)),
          connections: PHONES,
          once: true,
        }),
        inDatabase(bench, 'limit', { script: insertScript(guards.length, 1), clients: PHONES }),
      ],
      bench.rounds,
    )
    const onePhone = await competeFlawlessly(
      [
        overHttp(bench, 'batch of 1,000', bench.service, {
          callers: guards,
          requests: (turn) => batchRequests(guards, perTurn(BATCHES_PER_SECOND, turn)),
          connections: 1,
          once: true,
        }),
        inDatabase(bench, 'one statement', { script: insertScript(guards.length, BATCH), clients: 1 }),
        overHttp(bench, 'one by one', bench.service, {
          callers: guards,
          requests: (turn) => checkinRequests(guards, perTurn(SINGLES_PER_SECOND, turn)),
          connections: 1,
          once: true,
        }),
      ],
      bench.rounds,
    )
    const batch = onePhone['batch of 1,000']
    const perRow = (measured: Measured): Measured => ({
      ...measured,
      service_cpu: measured.service_cpu && measured.service_cpu / BATCH,
      database_cpu: measured.database_cpu && measured.database_cpu / BATCH,
    })
    return {
      rows: [
        ...compareWithLimit('check-in, single', singles.muster, singles.limit, { atMost: 2 }),
        ...compareWithLimit('check-in, batch of 1,000', batch, onePhone['one statement'], { atMost: 1.15 }),
        ...compareCpu('check-in, of a batch of 1,000', perRow(batch), onePhone['one by one'], {
          atMost: 0.15,
        }),
        state('check-in, single', 'p95 ms', singles.muster.p95_ms),
      ],
      measured: [
        { path: `check-in, ${PHONES} phones`, contenders: Object.values(singles) },
        { path: 'check-in, one phone', contenders: Object.values(onePhone) },
      ],
    }
  },
}
