import {
  type ClockEvent,
  type Decision,
  type Interval,
  isLater,
  line,
  read,
  type WorkedAssignment,
} from './hours-model.ts'

/*
 * What timesheets are, as a program over plain objects, written from docs/decisions/036-corrections.md,
 * 037-timesheets-are-made-until-they-are-agreed.md and 038-statements-settle-what-was-locked.md, and not from the SQL. Times are seconds after any moment; money is cents.
 */

const HOUR = 3_600

export type SheetState = 'none' | 'proposed' | 'disputed' | 'approved' | 'locked'
export type Side = 'company' | 'guard'

export interface ModelAssignment extends WorkedAssignment {
  rate: number
  overtime: number
  /** Seconds after the planned end that are paid without an approval. */
  tolerance: number
  allowances?: readonly ModelAllowance[]
}

/** Which seconds it is paid for is the caller's to say: local clocks are no part of this. */
export interface ModelAllowance {
  /** Percent of the rate. */
  percent: number
  isHighestOnly: boolean
  hours: readonly Interval[]
}

export interface ModelLine {
  kind: 'planned' | 'overtime' | 'allowance' | 'adjustment'
  seconds: number
  cents: number
  open: 'overtime_beyond_tolerance' | 'overdue_events' | null
  isApproved: boolean
}

interface Sheet {
  state: SheetState
  worked: Interval[]
  paid: Interval[]
  /** What is paid since people agreed on a correction after the approval. */
  adjusted: Interval[] | null
  lines: ModelLine[]
  /** How many of its lines are on a statement. */
  settled: number
  flags: string[]
  /** What the events claimed when it was made. */
  claimed: string
  /** The last counter of the dispute. */
  counter: { by: Side; worked: readonly Interval[] } | undefined
}

/** A timesheet with its sums. What is being worked, or was not worked, is not paid: `payment` is null. */
export type ModelSheet = Omit<Sheet, 'claimed' | 'counter' | 'settled'> & {
  total: number
  payment: number | null
}

/** The timesheets of one person. */
export class TimesheetModel {
  readonly #assignments: ModelAssignment[]
  readonly #events: ClockEvent[][]
  readonly #decisions: Decision[][]
  readonly #sheets: Sheet[]

  constructor(assignments: readonly ModelAssignment[]) {
    this.#assignments = [...assignments]
    this.#events = assignments.map(() => [])
    this.#decisions = assignments.map(() => [])
    this.#sheets = assignments.map(() => ({
      state: 'none',
      worked: [],
      paid: [],
      adjusted: null,
      lines: [],
      settled: 0,
      flags: [],
      claimed: '',
      counter: undefined,
    }))
  }

  /** Undefined as long as there is none. */
  sheet(nth: number): ModelSheet | undefined {
    const { claimed: _claimed, counter: _counter, settled: _settled, ...sheet } = this.#sheets[nth]!
    if (sheet.state === 'none') return undefined
    const total = sum(
      sheet.lines
        .filter(({ isApproved, kind }) => isApproved && kind !== 'adjustment')
        .map(({ cents }) => cents),
    )
    return { ...sheet, total, payment: this.#isOver(nth) ? total : null }
  }

  clock(nth: number, event: ClockEvent): void {
    this.#events[nth]!.push(event)
    this.#follow(nth)
  }

  /** Both sides agree on it, or an admin imposes it. */
  correct(nth: number, decision: Decision): void {
    const before = this.#read(nth).intervals
    this.#decisions[nth]!.push(decision)
    if (this.#isSettled(nth)) this.#adjust(nth, before)
    this.#follow(nth)
  }

  /** What the decision changes of the events alone: what came in meanwhile is not agreed on. */
  #adjust(nth: number, before: readonly Interval[]): void {
    const sheet = this.#sheets[nth]!
    const after = this.#read(nth).intervals
    const held = sheet.adjusted ?? sheet.paid
    const adjusted = merge([
      ...without(held, without(before, after)),
      ...without(without(after, before), this.#taken(nth)),
    ])
    if (JSON.stringify(adjusted) === JSON.stringify(held)) return
    sheet.adjusted = adjusted
    if (sheet.state === 'locked') this.#addAdjustment(nth, held, adjusted)
  }

  #addAdjustment(nth: number, before: readonly Interval[], after: readonly Interval[]): void {
    const pay = (spans: readonly Interval[]) =>
      sum(linesOf(this.#assignments[nth]!, spans, null).map(({ cents }) => cents))
    const cents = pay(after) - pay(before)
    if (cents === 0) return
    const seconds = length(after) - length(before)
    this.#sheets[nth]!.lines.push({ kind: 'adjustment', seconds, cents, open: null, isApproved: true })
  }

  /** Closes a period that has all of it. @returns the gross of what it settles */
  close(): number {
    let gross = 0
    for (const [nth, sheet] of this.#sheets.entries()) {
      if (sheet.state === 'approved') {
        if (sheet.adjusted) this.#addAdjustment(nth, sheet.paid, sheet.adjusted)
        sheet.state = 'locked'
      }
      if (sheet.state !== 'locked') continue
      const settled = sheet.lines.slice(sheet.settled).filter(({ isApproved }) => isApproved)
      gross += sum(settled.map(({ cents }) => cents))
      sheet.settled = sheet.lines.length
    }
    return gross
  }

  #isSettled = (nth: number): boolean => ['approved', 'locked'].includes(this.#sheets[nth]!.state)

  #follow(nth: number): void {
    const sheet = this.#sheets[nth]!
    if (this.#isSettled(nth) && JSON.stringify(this.#read(nth).claimed) !== sheet.claimed)
      sheet.flags = [...new Set([...sheet.flags, 'conflict'])].sort()
    this.#makeAll()
  }

  approve(nth: number, reasons: readonly string[] | undefined): string {
    const sheet = this.#sheets[nth]!
    if (sheet.state === 'none') return 'not_found'
    if (sheet.state !== 'proposed' || !this.#isOver(nth)) return 'timesheet_state'
    if (reasons === undefined && sheet.lines.some(({ isApproved }) => !isApproved)) return 'lines_undecided'
    this.#settle(nth, reasons ?? [])
    return 'approved'
  }

  dispute(nth: number): string {
    const sheet = this.#sheets[nth]!
    if (sheet.state === 'none') return 'not_found'
    if (['disputed', 'locked'].includes(sheet.state) || !this.#isOver(nth)) return 'timesheet_state'
    this.#reopen(nth)
    return 'disputed'
  }

  /** One side says which hours were worked instead. */
  counter(nth: number, by: Side, worked: readonly Interval[]): string {
    const sheet = this.#sheets[nth]!
    if (sheet.state === 'none') return 'not_found'
    if (sheet.state === 'locked' || (sheet.state === 'approved' && by === 'company')) return 'timesheet_state'
    if (sheet.state !== 'disputed') {
      if (!this.#isOver(nth)) return 'timesheet_state'
      this.#reopen(nth)
    }
    sheet.counter = { by, worked }
    return 'disputed'
  }

  /** The guard gives the dispute up, or an admin decides for the clock. */
  resolveClocked(nth: number, by: 'guard' | 'admin'): string {
    const sheet = this.#sheets[nth]!
    if (sheet.state === 'none') return 'not_found'
    if (sheet.state !== 'disputed' || !this.#isOver(nth)) return 'timesheet_state'
    sheet.state = 'proposed'
    sheet.counter = undefined
    this.#makeAll()
    if (by === 'admin') this.#settle(nth, [])
    return sheet.state
  }

  /** The hours of the last counter hold. */
  resolveCountered(nth: number, by: Side | 'admin'): string {
    const sheet = this.#sheets[nth]!
    if (sheet.state === 'none') return 'not_found'
    if (sheet.state !== 'disputed' || !this.#isOver(nth) || !sheet.counter) return 'timesheet_state'
    if (sheet.counter.by === by) return 'own_hours'
    const { worked } = sheet.counter
    sheet.counter = undefined
    this.#make(nth, { agreed: worked })
    this.#settle(nth, [])
    return 'approved'
  }

  #reopen(nth: number): void {
    const sheet = this.#sheets[nth]!
    const wasApproved = sheet.state === 'approved'
    sheet.state = 'disputed'
    sheet.adjusted = null
    if (wasApproved) this.#make(nth, { isReopened: true })
    this.#makeAll()
  }

  #read(nth: number, assignment: Partial<WorkedAssignment> = {}) {
    return read({
      ...this.#assignments[nth]!,
      events: this.#events[nth]!,
      decisions: this.#decisions[nth]!,
      ...assignment,
    })
  }

  #isOver = (nth: number): boolean => this.#isSettled(nth) || this.#read(nth).state === 'completed'

  /** From the later shift to the earlier or not: a sheet that is made depends on events and approvals alone. */
  #makeAll(): void {
    for (const nth of this.#assignments.keys()) this.#make(nth)
  }

  #others = (nth: number) =>
    this.#assignments
      .map((other, n) => ({ n, isLater: isLater(other, this.#assignments[nth]!) }))
      .filter(({ n }) => n !== nth)

  /** The minutes that are settled. */
  #held = (nth: number): Interval[] => this.#sheets[nth]!.adjusted ?? this.#sheets[nth]!.paid

  /** What other shifts have. */
  #taken = (nth: number): Interval[] =>
    this.#others(nth).flatMap(({ n, isLater }) =>
      this.#isSettled(n) ? this.#held(n) : isLater ? [...this.#read(n).claimed] : [],
    )

  #make(
    nth: number,
    { isReopened = false, agreed }: { isReopened?: boolean; agreed?: readonly Interval[] } = {},
  ): void {
    const sheet = this.#sheets[nth]!
    const said = this.#read(nth)
    // A shift that is active again keeps the sheet that it had.
    if (this.#isSettled(nth) || (said.state !== 'completed' && !isReopened)) return
    const assignment = this.#assignments[nth]!
    const others = this.#others(nth)
    const taken = this.#taken(nth)
    const everClaimed = [
      ...taken,
      ...others.filter(({ n }) => !this.#isSettled(n)).flatMap(({ n }) => this.#read(n).claimed),
    ]
    const worked = agreed ?? said.intervals
    const isCut =
      length(
        overlap(
          worked,
          others.filter(({ n, isLater }) => this.#isSettled(n) && !isLater).flatMap(({ n }) => this.#held(n)),
        ),
      ) > 0
    const counted = without(worked, taken)
    const withOverdue = this.#read(nth, {
      events: this.#events[nth]!.map((event) => ({ ...event, isOverdue: false })),
    }).intervals
    const overdue = agreed ? [] : without(withOverdue, [...said.intervals, ...everClaimed])

    sheet.state = sheet.state === 'none' ? 'proposed' : sheet.state
    sheet.worked = merge([...counted, ...overdue])
    sheet.flags = [...new Set([...said.flags, ...(isCut ? ['conflict'] : [])])].sort()
    sheet.claimed = JSON.stringify(said.claimed)
    // What both sides agreed on has no open lines.
    const limit = agreed ? Infinity : assignment.end + assignment.tolerance
    sheet.lines = [
      ...linesOf(assignment, overlap(counted, [[-Infinity, limit]]), null),
      ...linesOf(assignment, overlap(counted, [[limit, Infinity]]), 'overtime_beyond_tolerance'),
      ...linesOf(assignment, overdue, 'overdue_events'),
    ]
    sheet.paid = overlap(counted, [[-Infinity, limit]])
  }

  #settle(nth: number, reasons: readonly string[]): void {
    const sheet = this.#sheets[nth]!
    const { end, tolerance } = this.#assignments[nth]!
    const overdue = without(sheet.worked, this.#read(nth).intervals)
    const late = overlap(without(sheet.worked, overdue), [[end + tolerance, Infinity]])
    sheet.lines = sheet.lines.map((line) => ({
      ...line,
      isApproved: line.isApproved || (line.open !== null && reasons.includes(line.open)),
    }))
    const approved = new Set(sheet.lines.filter(({ isApproved }) => isApproved).map(({ open }) => open))
    sheet.paid = merge([
      ...sheet.paid,
      ...(approved.has('overtime_beyond_tolerance') ? late : []),
      ...(approved.has('overdue_events') ? overdue : []),
    ])
    sheet.state = 'approved'
    this.#makeAll()
  }
}

/** What seconds pay, as the lines of a timesheet. */
export function linesOf(
  { rate, overtime, end, allowances = [] }: Pick<ModelAssignment, 'rate' | 'overtime' | 'end' | 'allowances'>,
  spans: readonly Interval[],
  open: ModelLine['open'],
): ModelLine[] {
  const planned = length(overlap(spans, [[-Infinity, end]]))
  const over = length(overlap(spans, [[end, Infinity]]))
  const ranked = allowances.toSorted((a, b) => b.percent - a.percent)
  return [
    {
      kind: 'planned' as const,
      seconds: planned,
      cents: line(planned, rate, 1, HOUR),
    },
    {
      kind: 'overtime' as const,
      seconds: over,
      cents: line(over, rate, overtime, HOUR),
    },
    ...ranked.map((allowance, rank) => {
      const higher = allowance.isHighestOnly
        ? ranked.slice(0, rank).filter(({ isHighestOnly }) => isHighestOnly)
        : []
      const hours = without(
        overlap(spans, allowance.hours),
        higher.flatMap((one) => one.hours),
      )
      return {
        kind: 'allowance' as const,
        seconds: length(hours),
        cents: percentOf(length(hours), rate, allowance.percent),
      }
    }),
  ]
    .filter(({ seconds }) => seconds > 0)
    .map((made) => ({ ...made, open, isApproved: open === null }))
}

/** Whole numbers, as in `line`: a percentage has two decimals. */
function percentOf(seconds: number, rate: number, percent: number): number {
  const parts = Math.round(rate * 100) * Math.round(percent * 100) * seconds
  const partsOfCent = 10_000 * HOUR
  return Math.floor((2 * parts + partsOfCent) / (2 * partsOfCent))
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const length = (spans: readonly Interval[]): number => sum(spans.map(([from, to]) => to - from))

const overlap = (spans: readonly Interval[], others: readonly Interval[]): Interval[] =>
  merge(
    spans.flatMap(([from, to]) =>
      others
        .map(([begins, ends]) => [Math.max(from, begins), Math.min(to, ends)] as const)
        .filter(([a, b]) => a < b),
    ),
  )

const without = (spans: readonly Interval[], taken: readonly Interval[]): Interval[] =>
  merge(
    taken.reduce<Interval[]>(
      (left, [from, to]) =>
        left.flatMap(([begins, ends]): Interval[] =>
          [[begins, Math.min(ends, from)] as const, [Math.max(begins, to), ends] as const].filter(
            ([a, b]) => a < b,
          ),
        ),
      [...spans],
    ),
  )

/** In order, those that touch or overlap as one. */
function merge(spans: readonly Interval[]): Interval[] {
  const merged: [number, number][] = []
  for (const [from, to] of spans.toSorted(([a], [b]) => a - b)) {
    const last = merged.at(-1)
    if (last && last[1] >= from) last[1] = Math.max(last[1], to)
    else merged.push([from, to])
  }
  return merged
}
