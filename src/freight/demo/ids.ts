import { DEMO_USERS } from './users.ts'

/** Ids of the demo, the same on every machine, so that examples can name them. */
export const demoId = (kind: string, n: number): string =>
  `${kind}-0000-7000-8000-${String(n).padStart(12, '0')}`

export const TENANT = demoId('de400000', 1)
export const CARRIER = demoId('de4c0000', 1)
export const BROKERAGE = demoId('de4d0000', 1)
/** A colleague of the driver, whom the office has not put on record yet. */
export const NEW_DRIVER_USER = demoId('de4a0000', 500)
export const DISPATCHER = DEMO_USERS.find(({ role }) => role === 'dispatcher')!.id
export const brokerId = (n: number): string => demoId('de4b0000', n)
export const driverId = (n: number): string => demoId('de4e0000', n)
/** Of the driver; the last is on record and not verified. */
export const documentId = (n: number): string => demoId('de450000', n)
/** Entries of the driver's log, from the oldest. */
export const dutyId = (n: number): string => demoId('de460000', n)
/** What the dispatcher says about the log: the last was accepted, the others are open. */
export const dutyEditId = (n: number): string => demoId('de470000', n)
export const truckId = (n: number): string => demoId('de410000', n)
export const trailerId = (n: number): string => demoId('de420000', n)
export const loadId = (n: number): string => demoId('de430000', n)
/** Of the load of that number, from 1. */
export const stopId = (load: number, position: number): string => demoId('de440000', load * 100 + position)
/** Of the load in transit, by device time. */
export const stopEventId = (n: number): string => demoId('de490000', n)
export const paymentId = (n: number): string => demoId('de460000', n)
/** Of the driver, by number; each has another status. */
export const statementId = (n: number): string => demoId('de470000', n)
export const deductionId = (n: number): string => demoId('de480000', n)
