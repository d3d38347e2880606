/*
 * What hours are, as a program over plain objects, written from docs/decisions/034-hours-are-what-the-events-say.md and
 * 036-corrections.md, and not from the SQL. Times are numbers of any unit: the pay says how many of them an hour has.
 */

export const EVENT_KINDS = ['clock_in', 'break_start', 'break_end', 'clock_out'] as const
export type EventKind = (typeof EVENT_KINDS)[number]

export interface ClockEvent {
  kind: EventKind
  at: number
  isOutside: boolean
  /** Metres; 5 when not given. */
  accuracy?: number
  /** It arrived too late to count by itself. */
  isOverdue?: boolean
  /** By which corrections name it. */
  id?: string
  /** When it arrived; before every decision when not given. */
  arrivedAt?: number
}

/** A correction that is in effect. */
export interface Decision {
  /** The id of an event; of one that nobody knows it adds the event. */
  event: string
  kind: EventKind
  /** Null: it never happened. */
  becomes: number | null
  decidedAt: number
}

export type Interval = readonly [from: number, to: number]

export interface WorkedAssignment {
  /** Of the shift: of two shifts that begin at the same moment, the one with the greater id is the later. */
  shift: string
  start: number
  end: number
  events: readonly ClockEvent[]
  decisions?: readonly Decision[]
  /** How long after the start a first clock_in is in time; any is when not given. */
  lateAfter?: number
  /** Background work closed it. */
  isAutoClosed?: boolean
  /** When the company stopped it. */
  stoppedAt?: number | undefined
  /** Its shift went to somebody else, or was cancelled before work began: nothing counts. */
  isEvidence?: boolean
}

export interface Said {
  state: 'assigned' | 'active' | 'completed'
  /** In order, disjoint. */
  intervals: Interval[]
  /** The same, with what is not over. */
  claimed: Interval[]
  flags: string[]
}

const EVIDENCE_METERS = 1_000
const PRECISE_METERS = 100

export function read({
  start,
  end,
  events,
  decisions = [],
  stoppedAt,
  lateAfter = Number.POSITIVE_INFINITY,
  isEvidence = false,
  isAutoClosed = false,
}: WorkedAssignment): Said {
  const flags = new Set<string>(decisions.length > 0 ? ['corrected'] : [])
  const last = new Map(
    decisions.toSorted((a, b) => a.decidedAt - b.decidedAt).map((decision) => [decision.event, decision]),
  )
  const agreed = [...last.values()].flatMap(({ kind, becomes }) =>
    becomes === null ? [] : [{ kind, at: becomes, isOutside: false, isAgreed: true }],
  )
  const counting = events
    .filter(({ id }) => id === undefined || !last.has(id))
    .filter(({ accuracy = 5 }) => accuracy <= EVIDENCE_METERS)
    .filter(({ at, arrivedAt = Number.NEGATIVE_INFINITY }) => {
      const isNews = decisions.some(({ decidedAt }) => at <= decidedAt && decidedAt < arrivedAt)
      if (isNews) flags.add('conflict')
      return !isNews
    })
    .filter(({ isOverdue = false }) => {
      if (isOverdue) flags.add('overdue')
      return !isOverdue
    })
    .filter(() => {
      if (isEvidence) flags.add('conflict')
      return !isEvidence
    })
    .filter(({ at }) => stoppedAt === undefined || at <= stoppedAt)
    .filter(({ kind, isOutside }) => !(kind === 'clock_in' && isOutside))
    .map((event) => ({ ...event, isAgreed: false }))
    .concat(agreed)
    .toSorted(
      (a, b) =>
        a.at - b.at ||
        EVENT_KINDS.indexOf(a.kind) - EVENT_KINDS.indexOf(b.kind) ||
        Number(b.isAgreed) - Number(a.isAgreed) ||
        Number(a.isOutside) - Number(b.isOutside),
    )

  /** Off, at work and on a break: the columns of the table. */
  let since: number | undefined
  let isOnBreak = false
  let beganAt: number | undefined
  let leftAt: number | undefined
  const intervals: Interval[] = []
  for (const { kind, at, isOutside, isAgreed, accuracy = 5 } of counting) {
    if (accuracy > PRECISE_METERS) flags.add('imprecise')
    const isAtWork = since !== undefined
    if ((kind === 'clock_in' && !isAtWork) || (kind === 'break_end' && isOnBreak)) {
      // Nothing before the planned start is paid, unless people agreed on it.
      since = isAgreed ? at : Math.max(at, start)
      isOnBreak = false
      beganAt ??= at
    } else if (kind === 'break_start' && since !== undefined) {
      intervals.push([since, at])
      since = undefined
      isOnBreak = true
    } else if (kind === 'clock_out' && (isAtWork || isOnBreak)) {
      if (since !== undefined) intervals.push([since, isOutside ? Math.min(at, end) : at])
      since = undefined
      isOnBreak = false
      leftAt = at
      if (isOutside) flags.add('outside')
    }
  }
  if (stoppedAt !== undefined) {
    if (since !== undefined) intervals.push([since, Math.min(stoppedAt, end)])
    since = undefined
    isOnBreak = false
  }
  const isUnfinished = since !== undefined || isOnBreak || (leftAt !== undefined && leftAt < start)
  if (isAutoClosed && beganAt !== undefined && isUnfinished) {
    if (since !== undefined) intervals.push([since, end])
    since = undefined
    isOnBreak = false
    leftAt = end
    flags.add('auto_closed')
  }
  if (beganAt !== undefined && beganAt > start + lateAfter) flags.add('late')
  const isCompleted = since === undefined && !isOnBreak && leftAt !== undefined && leftAt >= start
  return {
    state: beganAt === undefined ? 'assigned' : isCompleted ? 'completed' : 'active',
    intervals: tidy(intervals),
    claimed: tidy(since === undefined ? intervals : [...intervals, [since, Number.POSITIVE_INFINITY]]),
    flags: [...flags].sort(),
  }
}

/** Without empty ones; those that touch as one. */
function tidy(intervals: readonly Interval[]): Interval[] {
  const tidied: [from: number, to: number][] = []
  for (const [from, to] of intervals) {
    const last = tidied.at(-1)
    if (to <= from) continue
    if (last && last[1] === from) last[1] = to
    else tidied.push([from, to])
  }
  return tidied
}

export const isLater = (one: WorkedAssignment, other: WorkedAssignment): boolean =>
  one.start > other.start || (one.start === other.start && one.shift > other.shift)

/** @param others of the same person, in any order, with or without the assignment itself */
export function workedIntervals(
  assignment: WorkedAssignment,
  others: readonly WorkedAssignment[],
): Interval[] {
  const taken = others.filter((other) => isLater(other, assignment)).flatMap((other) => read(other).claimed)
  return read(assignment).intervals.flatMap((interval) => without(interval, taken))
}

function without(interval: Interval, taken: readonly Interval[]): Interval[] {
  return taken.reduce<Interval[]>(
    (left, [from, to]) =>
      left.flatMap(([begins, ends]): Interval[] =>
        [[begins, Math.min(ends, from)] as const, [Math.max(begins, to), ends] as const].filter(
          ([a, b]) => a < b,
        ),
      ),
    [interval],
  )
}

/** In cents. Half a cent is rounded up, in each line. */
export function payOf(
  intervals: readonly Interval[],
  plannedEnd: number,
  { rate, overtime, hour }: { rate: number; overtime: number; hour: number },
): number {
  const sum = (spans: readonly Interval[]) =>
    spans.reduce((total, [from, to]) => total + Math.max(to - from, 0), 0)
  const planned = sum(intervals.map(([from, to]) => [from, Math.min(to, plannedEnd)]))
  const over = sum(intervals.map(([from, to]) => [Math.max(from, plannedEnd), to]))
  return line(planned, rate, 1, hour) + line(over, rate, overtime, hour)
}

/** Whole numbers, so that half a cent is exactly that: rates and factors have two decimals. */
export function line(time: number, rate: number, factor: number, hour: number): number {
  const hundredths = Math.round(rate * 100) * Math.round(factor * 100) * time
  return Math.floor((2 * hundredths + 100 * hour) / (200 * hour))
}
