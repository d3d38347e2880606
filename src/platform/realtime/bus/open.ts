import type { Databases } from '../../db/open.ts'
import { Bus, type BusLog } from './bus.ts'
import { notifyTransport } from './notify.ts'

/**
 * The bus of a running service; it starts nothing by itself. Undefined on the embedded engine, where there is one process, and
 * where the processes share no secret: then broadcast and presence stay in each of them.
 */
export function openBus(
  { bus: database, busSecret: secret }: Pick<Databases, 'bus' | 'busSecret'>,
  log: BusLog,
): Bus | undefined {
  return database && secret ? new Bus({ transport: notifyTransport(database), secret, log }) : undefined
}
