/*
 * Hours of service as a program over plain objects, written from the text of 49 CFR 395.3 and 395.1(g), of Regulation (EC) No 561/2006 and
 * from docs/decisions/049-hours-of-service-follow-the-log.md, and not from the SQL. It asks the whole log each time. Times are seconds of
 * Unix time.
 */

export type DutyStatus = 'off_duty' | 'sleeper' | 'driving' | 'on_duty'
export type Pack = 'us_property' | 'eu_561'

export interface Entry {
  status: DutyStatus
  at: number
}

export interface Terms {
  pack: Pack
  cycle: '60/7' | '70/8'
  zone: string
}

/** Seconds; what a pack does not have is null. */
export interface Left {
  driving: number
  window: number
  until_break: number
  cycle: number
  week: number | null
  fortnight: number | null
}

export const HOUR = 3_600
const MINUTE = 60
const BEFORE = Number.NEGATIVE_INFINITY

interface Span {
  from: number
  to: number
}
interface Rest extends Span {
  length: number
  /** The longest time in the berth without a break. */
  berth: number
}

const overlap = (one: Span, other: Span): number =>
  Math.max(0, Math.min(one.to, other.to) - Math.max(one.from, other.from))

/** What happened until `until`, without what lasted no time. Before the log the driver rested. */
function spansOf(log: readonly Entry[], until: number): (Span & { status: DutyStatus })[] {
  const known = log.filter(({ at }) => at <= until)
  const spans = [{ status: 'off_duty' as DutyStatus, at: BEFORE }, ...known].map(({ status, at }, nth) => ({
    status,
    from: at,
    to: known[nth]?.at ?? until,
  }))
  return spans.filter(({ from, to }) => to > from)
}

/** Runs of what `belongs`, as long as they go. */
function runsOf<T extends Span & { status: DutyStatus }>(
  spans: readonly T[],
  belongs: (status: DutyStatus) => boolean,
): Span[] {
  const runs: Span[] = []
  for (const { status, from, to } of spans) {
    if (!belongs(status)) continue
    const last = runs.at(-1)
    if (last?.to === from) last.to = to
    else runs.push({ from, to })
  }
  return runs
}

const isRest = (status: DutyStatus): boolean => status === 'off_duty' || status === 'sleeper'

function read(log: readonly Entry[], now: number) {
  const spans = spansOf(log, now)
  const berths = runsOf(spans, (status) => status === 'sleeper')
  const sumOf = (counts: (status: DutyStatus) => boolean) => (from: number, to: number) =>
    spans.reduce((sum, span) => sum + (counts(span.status) ? overlap(span, { from, to }) : 0), 0)
  return {
    rests: runsOf(spans, isRest).map(
      (rest): Rest => ({
        ...rest,
        length: rest.to - rest.from,
        berth: Math.max(0, ...berths.map((berth) => overlap(berth, rest))),
      }),
    ),
    idle: runsOf(spans, (status) => status !== 'driving'),
    driving: sumOf((status) => status === 'driving'),
    working: sumOf((status) => !isRest(status)),
  }
}

const lastEnd = (spans: readonly Span[], length: number): number =>
  spans.findLast(({ from, to }) => to - from >= length)?.to ?? BEFORE

/** § 395.3 and § 395.1(g)(1). */
function leftInUnitedStates(log: readonly Entry[], { cycle, zone }: Terms, now: number): Left {
  const { rests, idle, driving, working } = read(log, now)
  const afterRest = lastEnd(rests, 10 * HOUR)
  // A rest of ten hours is no half of a split.
  const halves = rests.filter(({ from, length }) => from > afterRest - 1 && length >= 2 * HOUR)

  /** From where the limits are calculated after so many of the halves, and which of them the window leaves out. */
  function basisAfter(count: number): { from: number; without?: Span } {
    if (count === 0) return { from: afterRest }
    const before = basisAfter(count - 1)
    const second = halves[count - 1]!
    const first = halves
      .slice(0, count - 1)
      .filter(({ to }) => to > before.from)
      .findLast(
        (half) => half.length + second.length >= 10 * HOUR && Math.max(half.berth, second.berth) >= 7 * HOUR,
      )
    return first ? { from: first.to, without: second } : before
  }
  const { from, without } = basisAfter(halves.length)
  const [days, hours] = cycle === '60/7' ? [7, 60] : [8, 70]
  const cycleFrom = Math.max(midnight(localDay(now, zone) - (days - 1), zone), lastEnd(rests, 34 * HOUR))
  return {
    driving: Math.max(0, 11 * HOUR - driving(from, now)),
    window: Math.max(0, 14 * HOUR - (now - from - (without ? overlap(without, { from, to: now }) : 0))),
    until_break: Math.max(0, 8 * HOUR - driving(lastEnd(idle, 30 * MINUTE), now)),
    cycle: Math.max(0, hours * HOUR - working(cycleFrom, now)),
    week: null,
    fortnight: null,
  }
}

/** Articles 4 and 6 to 8. */
function leftInEurope(log: readonly Entry[], { zone }: Terms, now: number): Left {
  const { rests, driving } = read(log, now)

  const weekly: { to: number; isRegular: boolean }[] = []
  const daily: (Span & { isReduced: boolean })[] = []
  for (const { from, to, length } of rests) {
    const wasRegular = weekly.at(-1)?.isRegular ?? true
    const dayBegan = daily.at(-1)?.to ?? BEFORE
    const isSplit = rests.some((rest) => rest.from > dayBegan && rest.to < from && rest.length >= 3 * HOUR)
    const reducedOnes = daily.filter(
      (rest) => rest.isReduced && rest.to > (weekly.at(-1)?.to ?? BEFORE),
    ).length
    const isWeekly = length >= 45 * HOUR || (length >= 24 * HOUR && wasRegular)
    const isRegular = isWeekly || length >= 11 * HOUR || (isSplit && length >= 9 * HOUR)
    if (isWeekly) weekly.push({ to, isRegular: length >= 45 * HOUR })
    if (isRegular || (length >= 9 * HOUR && reducedOnes < 3)) daily.push({ from, to, isReduced: !isRegular })
  }
  const day = daily.at(-1)!
  const lastWeekly = weekly.at(-1)!
  const reducedOnes = daily.filter((rest) => rest.isReduced && rest.to > lastWeekly.to).length
  const hasFirstPart = rests.some((rest) => rest.from > day.to && rest.length >= 3 * HOUR)
  const weekOf = (time: number): number => mondayOf(localDay(time, zone))
  const extended = daily.filter((rest, nth) => {
    const next = daily[nth + 1]
    return next && weekOf(rest.to) === weekOf(day.to) && driving(rest.to, next.from) > 9 * HOUR
  }).length

  let breakEnded = BEFORE
  let hasFirstBreak = false
  for (const { to, length } of rests) {
    if (length >= 45 * MINUTE || (hasFirstBreak && length >= 30 * MINUTE)) {
      breakEnded = to
      hasFirstBreak = false
    } else if (length >= 15 * MINUTE) hasFirstBreak = true
  }
  const monday = midnight(weekOf(now), zone)
  const mondayBefore = midnight(weekOf(now) - 7, zone)
  const nextRest = hasFirstPart || reducedOnes < 3 ? 9 * HOUR : 11 * HOUR
  return {
    driving: Math.max(0, (extended < 2 ? 10 : 9) * HOUR - driving(day.to, now)),
    window: Math.max(0, 24 * HOUR - nextRest - (now - day.to)),
    until_break: Math.max(0, 4.5 * HOUR - driving(breakEnded, now)),
    cycle: Math.max(0, 6 * 24 * HOUR - (now - lastWeekly.to)),
    week: Math.max(0, 56 * HOUR - driving(monday, now)),
    fortnight: Math.max(0, 90 * HOUR - driving(mondayBefore, now)),
  }
}

export const leftAt = (log: readonly Entry[], terms: Terms, now: number): Left =>
  terms.pack === 'us_property' ? leftInUnitedStates(log, terms, now) : leftInEurope(log, terms, now)

/** Whether one who rests from `now` on, in the berth when they are in it, may drive `then`. */
export function mayDrive(log: readonly Entry[], terms: Terms, now: number, then: number): boolean {
  const known = log.filter(({ at }) => at <= now)
  const status = known.at(-1)?.status === 'sleeper' ? 'sleeper' : 'off_duty'
  const left = leftAt([...known, { status, at: now }], terms, then)
  return Object.values(left).every((seconds) => seconds === null || seconds > 0)
}

/** The days since 1970-01-01 of the local date. */
function localDay(time: number, zone: string): number {
  return Math.floor((time + offsetAt(time, zone)) / (24 * HOUR))
}

const mondayOf = (day: number): number => day - ((((day + 3) % 7) + 7) % 7)

/** For zones that set no clock at midnight. */
function midnight(day: number, zone: string): number {
  const asIfUtc = day * 24 * HOUR
  const guess = asIfUtc - offsetAt(asIfUtc, zone)
  return asIfUtc - offsetAt(guess, zone)
}

const formats = new Map<string, Intl.DateTimeFormat>()
const offsets = new Map<string, number>()
/** Clocks are set on a full quarter of an hour. */
const QUARTER = 900

function offsetAt(time: number, zone: string): number {
  const quarter = Math.floor(time / QUARTER) * QUARTER
  const key = `${zone} ${quarter}`
  const known = offsets.get(key)
  if (known !== undefined) return known
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    })
  formats.set(zone, format)
  const part = Object.fromEntries(
    format.formatToParts(quarter * 1000).map(({ type, value }) => [type, Number(value)]),
  )
  const local = Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!) / 1000
  offsets.set(key, local - quarter)
  return local - quarter
}
