import { asService } from '../../platform/db/identity.ts'
import {
  type Check,
  duration,
  finding,
  isNotMigrated,
  levelOf,
  NotKnown,
  whole,
  worst,
} from '../../platform/operations/health/finding.ts'

const MINUTE_SECONDS = 60

/** Seconds that the oldest payout has been due. Each process looks every 15 s: past ten minutes nobody sends. */
const QUEUE_STANDS = { warning: 10 * MINUTE_SECONDS, bad: 6 * 60 * MINUTE_SECONDS }

/** A dead letter or a failed payout is somebody's pay: one of them is worth a look. */
const NEED_A_PERSON = { warning: 1, bad: 10 }

interface Queue {
  [column: string]: unknown
  waiting: number
  oldest_seconds: number
  dead: number
  failed: number
}

export const payoutChecks: readonly Check[] = [
  {
    name: 'payouts',
    async examine({ database }) {
      const [queue] = await asService(
        database,
        (tx) =>
          tx.query<Queue>(
            'select waiting::int, oldest_seconds, dead::int, failed::int from muster.payout_queue()',
          ),
        { readOnly: true },
      ).catch((error: unknown) => {
        if (isNotMigrated(error)) throw new NotKnown('the database has no payouts: npm run db:migrate')
        throw error
      })
      const { waiting, oldest_seconds, dead, failed } = queue!
      // Where nobody but this command can have the database open, nothing could be sent meanwhile.
      const late = database.kind === 'server' ? oldest_seconds : 0
      return finding(
        worst([levelOf(late, QUEUE_STANDS), levelOf(dead + failed, NEED_A_PERSON)]),
        dead + failed > 0
          ? `${whole(dead)} dead letters and ${whole(failed)} failed payouts wait for an admin`
          : late >= QUEUE_STANDS.warning
            ? `the oldest of ${whole(waiting)} payouts on their way has been due for ${duration(late)}`
            : `${whole(waiting)} payouts on their way`,
        'GET /v1/payouts?status=failed and ?dead=true list them, POST /v1/payouts/{id}/retry begins one anew. A queue that stands: PAYOUT_PROVIDER is none, or the job guarding.send_payouts fails (npm run jobs).',
      )
    },
  },
]
