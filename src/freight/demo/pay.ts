import type { PAYMENT_STATUSES, PAYMENT_TYPES } from '../pay/table.ts'
import { deductionId, driverId, loadId, paymentId, statementId } from './ids.ts'

type Row = Record<string, unknown>

interface DemoPayment {
  type: (typeof PAYMENT_TYPES)[number]
  /** In cents, without the sign. */
  cents: number
  explanation: string
  load?: number
  /** Of what the load pays by distance. */
  miles?: number
  recurring?: true
}

const PER_MILE = 0.62
const CURRENCY = 'USD'
const LEASE_CENTS = 8500
const DAY_MS = 86_400_000
/** From the last day of one statement to that of the next. */
const PERIOD_DAYS = 7
/** The last statement ends so many days ago. */
const DAYS_SINCE_LAST = 4

const LEASE: DemoPayment = {
  type: 'deduction',
  cents: LEASE_CENTS,
  explanation: 'Trailer lease',
  recurring: true,
}

const linehaul = (load: number, miles: number): DemoPayment => ({
  type: 'linehaul_per_distance',
  cents: Math.round(miles * PER_MILE * 100),
  explanation: `${miles}.00 mi at ${PER_MILE}00 ${CURRENCY}`,
  load,
  miles,
})

/** By number, from 1. */
const STATEMENTS: readonly { status: (typeof PAYMENT_STATUSES)[number]; payments: DemoPayment[] }[] = [
  {
    status: 'completed',
    payments: [{ type: 'flat', cents: 92_000, explanation: 'Shuttle between the yards' }, LEASE],
  },
  {
    status: 'refunded',
    payments: [
      linehaul(7, 532),
      { type: 'detention', cents: 6000, explanation: '2 hours at the dock in Chicago', load: 7 },
      LEASE,
    ],
  },
  {
    status: 'failed',
    payments: [{ type: 'flat', cents: 88_000, explanation: 'Shuttle between the yards' }, LEASE],
  },
  {
    status: 'processing',
    payments: [
      { type: 'flat', cents: 95_500, explanation: 'Shuttle between the yards' },
      { type: 'advance', cents: 20_000, explanation: 'Cash advance' },
      LEASE,
    ],
  },
  {
    status: 'pending',
    payments: [
      linehaul(6, 360),
      { type: 'lumper', cents: 12_500, explanation: 'Unloading in Indianapolis', load: 6 },
      LEASE,
    ],
  },
]

/** What no statement has yet: a load of this week, and what comes late of a year before. */
const UNSETTLED: readonly (DemoPayment & { earnedOn?: string })[] = [
  linehaul(5, 170),
  { type: 'flat', cents: 25_000, explanation: 'Safety bonus of the fourth quarter', earnedOn: '2025-12-15' },
]

const isTakenOff = ({ type }: DemoPayment): boolean => type === 'advance' || type === 'deduction'
const sum = (payments: readonly DemoPayment[]): number =>
  payments.reduce((total, { cents }) => total + cents, 0)

/** @param own tenant and carrier */
export function demoPay(
  own: Row,
  now = Date.now(),
): { deductions: Row[]; statements: Row[]; payments: Row[] } {
  const dayAgo = (days: number): string => new Date(now - days * DAY_MS).toISOString().slice(0, 10)
  const of = { ...own, driver_id: driverId(1), currency: CURRENCY }
  let made = 0
  const payment = (given: DemoPayment, earnedOn: string, more: Row): Row => ({
    ...of,
    id: paymentId(++made),
    load_id: given.load ? loadId(given.load) : null,
    deduction_id: given.recurring ? deductionId(1) : null,
    type: given.type,
    amount: given.cents / 100,
    quantity: given.miles ?? null,
    rate: given.miles ? PER_MILE : null,
    explanation: given.explanation,
    earned_on: earnedOn,
    is_automatic: given.recurring === true || given.miles !== undefined,
    ...more,
  })
  const lastDay = (n: number): string => dayAgo(DAYS_SINCE_LAST + PERIOD_DAYS * (STATEMENTS.length - 1 - n))
  return {
    deductions: [
      {
        ...of,
        id: deductionId(1),
        amount: LEASE_CENTS / 100,
        explanation: LEASE.explanation,
        valid_from: '2025-11-01',
      },
    ],
    statements: STATEMENTS.map(({ status, payments }, n) => {
      const gross = sum(payments.filter((one) => !isTakenOff(one)))
      const deductions = sum(payments.filter(isTakenOff))
      return {
        ...of,
        id: statementId(n + 1),
        number: n + 1,
        first_day: dayAgo(DAYS_SINCE_LAST + PERIOD_DAYS * (STATEMENTS.length - n) - 1),
        last_day: lastDay(n),
        gross: gross / 100,
        deductions: deductions / 100,
        net: (gross - deductions) / 100,
        carried_in: 0,
        payable: (gross - deductions) / 100,
        carried_out: 0,
        status,
      }
    }),
    payments: [
      ...STATEMENTS.flatMap(({ status, payments }, n) =>
        payments.map((given) => payment(given, lastDay(n), { statement_id: statementId(n + 1), status })),
      ),
      ...UNSETTLED.map(({ earnedOn = dayAgo(DAYS_SINCE_LAST - 1), ...given }) =>
        payment(given, earnedOn, { statement_id: null, status: 'pending' }),
      ),
    ],
  }
}
