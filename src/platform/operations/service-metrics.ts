import type { FastifyInstance } from 'fastify'
import type { PoolLoad } from '../db/engine/database.ts'
import { databaseErrors } from '../db/engine/failures.ts'
import type { Databases } from '../db/open.ts'
import { transactionRetries } from '../db/session.ts'
import { problemsSent } from '../http/error-handler.ts'
import { counter, gauge, type Metric, type Sample } from '../metric.ts'
import type { Bus } from '../realtime/bus/bus.ts'
import type { ChangeRouter, RouterHealth } from '../realtime/changes/change-router.ts'
import { realtimeLosses } from '../realtime/losses.ts'
import { mails } from '../sign-in/delivery.ts'
import { signInsSeen } from '../sign-in/outcomes.ts'
import { type JobStanding, jobMetrics } from './job-metrics.ts'
import { replicationMetrics } from './replication-metrics.ts'
import { BUS_STATES, FEED_STATES, REPLICA_STATES, type Readiness } from './routes.ts'

export interface ServiceParts {
  version: string
  app: Pick<FastifyInstance, 'realtime'> | undefined
  databases: Databases
  router: ChangeRouter | undefined
  bus: Bus | undefined
  /** What `/ready` says. */
  checkReadiness: () => Promise<Readiness>
  /** Undefined: nobody keeps how background jobs stand. */
  readJobs?: () => Promise<JobStanding[]>
}

/** What the parts of a service tell of themselves. All names are there whatever runs: a part that is off has no values. */
export function serviceMetrics(parts: ServiceParts): Metric[] {
  const { version, databases, checkReadiness } = parts
  return [
    gauge('muster_build_info', 'The version that runs.', () => [{ labels: { version }, value: 1 }], [
      'version',
    ]),
    gauge(
      'muster_ready',
      'What /ready checks: 1 holds, 0 does not.',
      async () =>
        Object.entries(await checkReadiness())
          .filter(([, holds]) => typeof holds === 'boolean')
          .map(([part, holds]) => ({ labels: { part }, value: Number(holds) })),
      ['part'],
    ),
    states(
      'muster_realtime_feed_state',
      'The state of the change feed: 1 for the present one.',
      FEED_STATES,
      async () => (await checkReadiness()).feed,
    ),
    states(
      'muster_realtime_bus_state',
      'The state of the bus between processes: 1 for the present one.',
      BUS_STATES,
      async () => (await checkReadiness()).bus,
    ),
    states(
      'muster_replica_state',
      'The state of the replica at the last read: 1 for the present one.',
      REPLICA_STATES,
      async () => (await checkReadiness()).replica,
    ),
    databaseErrors,
    transactionRetries,
    problemsSent,
    ...poolMetrics(databases),
    ...replicationMetrics(databases),
    ...jobMetrics(parts.readJobs ?? (async () => [])),
    ...realtimeMetrics(parts),
  ]
}

const states = (name: string, help: string, all: readonly string[], read: () => Promise<string>): Metric =>
  gauge(
    name,
    help,
    async () => {
      const present = await read()
      return all.map((state) => ({ labels: { state }, value: Number(state === present) }))
    },
    ['state'],
  )

function poolMetrics({ api, checks, worker, jobs, bus, replica }: Databases): Metric[] {
  // On the embedded engine they are one.
  const pools = new Map(
    Object.entries({ replica: replica?.database, bus, jobs, worker, checks, api }).map(([name, database]) => [
      database,
      name,
    ]),
  )
  const of = (samples: (load: PoolLoad) => Sample[]) => () =>
    [...pools].flatMap(([database, pool]) =>
      database?.load
        ? samples(database.load).map(({ labels, value }) => ({ labels: { pool, ...labels }, value }))
        : [],
    )
  return [
    gauge(
      'muster_pool_connections',
      'Connections of each pool to the database: used or idle.',
      of(({ used, idle }) => [
        { labels: { state: 'used' }, value: used },
        { labels: { state: 'idle' }, value: idle },
      ]),
      ['pool', 'state'],
    ),
    gauge(
      'muster_pool_connections_max',
      'The most connections that each pool opens.',
      of(({ max }) => [{ value: max }]),
      ['pool'],
    ),
    gauge(
      'muster_pool_waiting',
      'Who waits for a connection now.',
      of(({ waiting }) => [{ value: waiting }]),
      ['pool'],
    ),
    counter(
      'muster_pool_used_seconds_total',
      'Seconds that connections were used: its rate, divided by the most connections, is the use of the pool.',
      of(({ usedSeconds }) => [{ value: usedSeconds }]),
      ['pool'],
    ),
    counter(
      'muster_pool_waited_seconds_total',
      'Seconds that somebody waited for a connection: its rate is how many waited on average.',
      of(({ waitedSeconds }) => [{ value: waitedSeconds }]),
      ['pool'],
    ),
  ]
}

function realtimeMetrics({ router, bus, app }: ServiceParts): Metric[] {
  const one = (value: number | null | undefined): Sample[] => (value == null ? [] : [{ value }])
  const health = (read: (health: RouterHealth) => number | null | undefined) => () =>
    one(router && read(router.health))
  const counts = (name: 'sockets' | 'channels' | 'topics' | 'waiting' | 'heldBytes' | 'unsentBytes') => () =>
    one(app?.realtime?.counts()[name])
  return [
    gauge('muster_realtime_sockets', 'Connected clients.', counts('sockets')),
    gauge('muster_realtime_channels', 'Channels that they joined.', counts('channels')),
    gauge(
      'muster_realtime_topics',
      'Topics with somebody who listens here, or is present anywhere.',
      counts('topics'),
    ),
    gauge('muster_realtime_frames_waiting', 'Frames that were received and are not done.', counts('waiting')),
    gauge('muster_realtime_held_bytes', 'What is kept of what clients said.', counts('heldBytes')),
    gauge('muster_realtime_unsent_bytes', 'What waits to be sent to clients.', counts('unsentBytes')),
    gauge(
      'muster_realtime_subscriptions',
      'Subscriptions to changes of tables.',
      health((of) => of.subscriptions),
    ),
    gauge(
      'muster_realtime_subscribers',
      'Distinct roles and claims among them.',
      health((of) => of.subscribers),
    ),
    counter(
      'muster_realtime_checks_total',
      'Visibility checks: one per row and subscriber.',
      health((of) => of.checks),
    ),
    counter(
      'muster_realtime_failed_checks_total',
      'Checks that failed with an error in a policy.',
      health((of) => of.failedChecks),
    ),
    counter(
      'muster_realtime_delivered_total',
      'Changes handed to channels.',
      health((of) => of.delivered),
    ),
    gauge(
      'muster_realtime_feed_queued',
      'Changes that were received and are not routed yet.',
      health((of) => of.feed?.queued),
    ),
    counter(
      'muster_realtime_feed_reconnects_total',
      'How often the feed connected again.',
      health((of) => of.feed?.reconnects),
    ),
    counter(
      'muster_realtime_feed_gaps_total',
      'How often all subscribers were told to resync.',
      health((of) => of.feed?.gaps),
    ),
    gauge(
      'muster_realtime_lag_seconds',
      'From the commit of the last change until it was routed, by the clocks of server and service.',
      health(({ lagMs }) => lagMs && lagMs / 1000),
    ),
    gauge('muster_realtime_peers', 'Other processes of the service that are known.', () => one(bus?.peers)),
    realtimeLosses,
    signInsSeen,
    mails,
  ]
}
