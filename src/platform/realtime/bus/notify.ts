import type { Database } from '../../db/engine/database.ts'
import type { BusTransport } from './bus.ts'
import { MAX_NOTIFY_QUEUE_SHARE } from './limits.ts'

const CHANNEL = 'muster_bus'

/**
 * The bus over LISTEN and NOTIFY. Nothing of it is written to a table or to the write-ahead log.
 *
 * @param database whose commits need not wait for the disk (`synchronous_commit` off): a NOTIFY is not kept anyway
 */
export function notifyTransport(database: Database): BusTransport {
  return {
    async send(packets) {
      // The queue is the whole server's, and every NOTIFY fails when one listener that hangs has let it fill.
      const [row] = await database.query<{ sent: number }>(
        `with queue as materialized (select pg_notification_queue_usage() as share)
         select count(pg_notify('${CHANNEL}', p.packet))::int as sent
         from unnest($1::text[]) p (packet), queue
         where queue.share < $2::float8`,
        [`{${packets.join(',')}}`, MAX_NOTIFY_QUEUE_SHARE],
      )
      return row?.sent === packets.length
    },
    listen: (onPacket, onGap, onLost) => database.listen(CHANNEL, onPacket, onGap, onLost),
  }
}
