import { line, payOf, read, type WorkedAssignment, workedIntervals } from './hours-model.ts'
import type { Outcome } from './rehearsal.ts'
import type { ShiftStatus } from './shifts.ts'

/*
 * The rules of the marketplace once more, as a program over plain objects: what each operation by each actor comes to.
 * Times are minutes from now, which stands still. It shares no code with the database, and knows its rules by their codes.
 */

export type Role = 'company' | 'client' | 'admin' | 'zzp' | 'stranger' | 'anon' | 'service_role'

export interface ModelActor {
  role: Role
  tenant?: 'a' | 'b'
  /** Of a company or a client. */
  organization?: string
  /** Of a guard. */
  professional?: string
}

export interface Certificate {
  id: string
  professional: string
  kind: string
  /** `YYYY-MM-DD`: the last day. */
  validUntil: string
  isVerified: boolean
  isDeleted: boolean
}

export interface Location {
  id: string
  organization: string
  zone: string
  isDeleted: boolean
}

interface Payment {
  status: string
  amount: number
}

interface CheckIn {
  kind: 'clock_in' | 'ping' | 'clock_out'
  isOutside: boolean
  at: number
}

interface Assignment {
  professional: string
  endedAs: 'released' | 'cancelled' | 'stopped' | 'completed' | null
  start: number
  end: number
  rate: number
  checkIns: CheckIn[]
  payment: Payment
}

export interface ModelShift {
  id: string
  company: string
  client: string
  location: string
  zone: string
  status: ShiftStatus
  professional: string | null
  start: number
  end: number
  rate: number
  required: string[]
  title: string
  reason: string | null
  isDeleted: boolean
  /** Oldest first. */
  assignments: Assignment[]
  /** Type and professional of each. */
  notifications: [type: string, professional: string][]
}

/** What an update writes; the rest follows. */
export type ShiftChange = Partial<
  Pick<
    ModelShift,
    'status' | 'professional' | 'start' | 'end' | 'rate' | 'required' | 'title' | 'reason' | 'location'
  >
>

export interface NewShift {
  id: string
  company: string
  location: string
  status: ShiftStatus
  start: number
  end: number
  rate: number
  required: string[]
}

const HOUR = 60
/** Before the start and after the end. */
const CHECK_IN_WINDOW = { early: 2 * HOUR, late: 12 * HOUR }
/** Between the request's clock and the device's. */
const CLOCK_SKEW = 5
/** The defaults of the terms. */
const MINIMUM = 3 * HOUR
const TOLERANCE = 15
const OVERTIME = 1.5

const STEPS: Record<ShiftStatus, ShiftStatus[]> = {
  draft: ['published', 'cancelled'],
  published: ['assigned', 'cancelled'],
  assigned: ['active', 'published', 'cancelled', 'no_show'],
  active: ['completed', 'cancelled'],
  completed: [],
  cancelled: [],
  no_show: [],
}

/** What ends an operation early. */
class Refused extends Error {
  readonly outcome: Outcome
  constructor(outcome: Outcome) {
    super(outcome)
    this.outcome = outcome
  }
}

function refuse(outcome: Outcome): never {
  throw new Refused(outcome)
}

const isWorked = (status: ShiftStatus): boolean => status === 'assigned' || status === 'active'
const isFinished = (status: ShiftStatus): boolean => status === 'completed' || status === 'cancelled'

export class Marketplace {
  readonly shifts = new Map<string, ModelShift>()
  readonly certificates = new Map<string, Certificate>()
  readonly locations = new Map<string, Location>()
  /** Status by id; all of tenant a. */
  readonly professionals = new Map<string, string>()
  readonly #nowMs: number
  readonly #works: (company: string, client: string) => boolean

  /** @param worksFor whether a company works for a client */
  constructor(nowMs: number, worksFor: (company: string, client: string) => boolean) {
    this.#nowMs = nowMs
    this.#works = worksFor
  }

  /** The date, in UTC, some days from today. */
  dayIn(days: number): string {
    return new Date(this.#nowMs + days * 86_400_000).toISOString().slice(0, 10)
  }

  /** Runs an operation: its outcome, and its effects only where it is not refused. */
  attempt(operation: () => Outcome): Outcome {
    try {
      return operation()
    } catch (error) {
      if (error instanceof Refused) return error.outcome
      throw error
    }
  }

  create(actor: ModelActor, given: NewShift): Outcome {
    this.#refuseAnonymous(actor)
    const isCaller = actor.role !== 'service_role'
    if (isCaller && !this.#isOfCompany(actor, given.company)) refuse('forbidden')
    const location = this.#siteFor(given.company, given.location)
    if (isCaller && given.status !== 'draft' && given.status !== 'published') refuse('invalid_transition')
    if (isCaller && given.status === 'published' && given.end <= 0) refuse('shift_over')
    const shift: ModelShift = {
      ...given,
      client: location.organization,
      zone: location.zone,
      professional: null,
      title: 'Gate',
      reason: null,
      isDeleted: false,
      assignments: [],
      notifications: [],
    }
    if (isWorked(shift.status) && shift.end >= shift.start) this.#checkAssignment(shift, actor)
    checkConstraints(shift)
    this.shifts.set(shift.id, shift)
    return 'ok'
  }

  update(actor: ModelActor, id: string, change: ShiftChange): Outcome {
    this.#refuseAnonymous(actor)
    const shift = this.shifts.get(id)
    if (!shift || !this.#mayEdit(actor, shift)) return 'unseen'
    this.#write(shift, change, actor)
    return 'ok'
  }

  claim(actor: ModelActor, id: string): Outcome {
    if (actor.role !== 'zzp') refuse('forbidden')
    const shift = this.shifts.get(id)
    if (!shift || actor.tenant !== 'a' || shift.status === 'draft' || shift.isDeleted) refuse('not_found')
    if (shift.status !== 'published' || shift.start <= 0) refuse('shift_not_open')
    this.#write(shift, { status: 'assigned', professional: actor.professional ?? null }, undefined)
    return 'ok'
  }

  /** `muster.move_shift`: a step of the API. */
  move(
    actor: ModelActor,
    id: string,
    expected: ShiftStatus[],
    next: ShiftStatus,
    change: ShiftChange,
  ): Outcome {
    if (actor.role === 'anon' || actor.role === 'service_role') refuse('forbidden')
    const shift = this.shifts.get(id)
    if (shift && this.#mayEdit(actor, shift) && expected.includes(shift.status)) {
      this.#write(shift, { reason: null, ...change, status: next }, actor)
      return 'ok'
    }
    if (!shift || !this.#sees(actor, shift)) refuse('not_found')
    if (!this.#isOfCompany(actor, shift.company)) refuse('forbidden')
    refuse(next === 'assigned' ? 'shift_not_open' : 'invalid_transition')
  }

  remove(actor: ModelActor, id: string): Outcome {
    this.#refuseAnonymous(actor)
    const shift = this.shifts.get(id)
    if (!shift) return 'unseen'
    if (actor.role === 'service_role') {
      // Really gone, unless something refers to it.
      if (shift.assignments.length > 0) refuse('invalid_reference finqle_transactions_shift_fk')
      this.shifts.delete(id)
      return 'ok'
    }
    if (shift.isDeleted || !this.#isOfCompany(actor, shift.company)) return 'unseen'
    if (!['draft', 'published', 'cancelled'].includes(shift.status)) refuse('invalid_transition')
    shift.isDeleted = true
    return 'unseen'
  }

  checkIn(actor: ModelActor, id: string, checkIn: CheckIn): Outcome {
    this.#refuseAnonymous(actor)
    const shift = this.shifts.get(id)
    if (!shift || shift.isDeleted) refuse('not_found')
    const isCaller = actor.role !== 'service_role'
    const professional = isCaller ? (actor.professional ?? null) : shift.professional
    const own = shift.assignments.filter((one) => one.professional === professional)
    const assignment = own.find(({ endedAs }) => endedAs === null) ?? own.at(-1)
    if (!assignment) {
      const isOwn = professional !== null && professional === shift.professional
      if (isOwn || !isCaller) refuse('shift_not_assigned')
      refuse(this.#sees(actor, shift) ? 'forbidden' : 'not_found')
    }
    const hasGone = assignment.endedAs !== null && assignment.endedAs !== 'completed'
    if (hasGone && checkIn.at > 0) refuse('shift_not_assigned')
    const { early, late } = CHECK_IN_WINDOW
    if (checkIn.at < assignment.start - early || checkIn.at > assignment.end + late)
      refuse('outside_check_in_window')
    if (checkIn.at > CLOCK_SKEW) refuse('recorded_in_future')
    assignment.checkIns.push(checkIn)
    if (checkIn.kind !== 'ping') this.#advance(shift, assignment)
    return 'ok'
  }

  /** Brings the state in step with the set of check-ins, whatever their order. */
  #advance(shift: ModelShift, assignment: Assignment): void {
    const { state } = read(asWorked(shift, assignment))
    if (assignment.endedAs === null || assignment.endedAs === 'completed') {
      if (shift.status === 'assigned' && state !== 'assigned') shift.status = 'active'
      if (shift.status === 'active' && state === 'completed') {
        shift.status = 'completed'
        assignment.endedAs = 'completed'
      } else if (shift.status === 'completed' && state === 'active' && !this.#overlaps(shift, false)) {
        shift.status = 'active'
        assignment.endedAs = null
      }
    }
    this.#price()
  }

  /** Whatever is pending is what would be paid now. */
  #price(): void {
    for (const shift of this.shifts.values()) {
      for (const assignment of shift.assignments) {
        if (assignment.payment.status === 'pending')
          assignment.payment.amount = this.#amountDue(shift, assignment)
      }
    }
  }

  #amountDue(shift: ModelShift, assignment: Assignment): number {
    const { start, end, rate, endedAs } = assignment
    const worked = asWorked(shift, assignment)
    const terms = { rate, overtime: OVERTIME, hour: HOUR }
    const isKnown = endedAs === 'stopped' || (endedAs === 'completed' && read(worked).state !== 'assigned')
    if (!isKnown) return line(end - start, rate, 1, HOUR) / 100
    const others = [...this.shifts.values()].flatMap((other) =>
      other.assignments
        .filter(({ professional }) => professional === assignment.professional)
        .map((one) => asWorked(other, one)),
    )
    // What is later is an open line of the timesheet.
    const counted = workedIntervals(worked, others)
      .map(([from, to]) => [from, Math.min(to, end + TOLERANCE)] as const)
      .filter(([from, to]) => from < to)
    const cents = payOf(counted, end, terms)
    return Math.max(cents, endedAs === 'stopped' ? line(MINIMUM, rate, 1, HOUR) : 0) / 100
  }

  #overlaps(shift: ModelShift, countsCompleted: boolean): boolean {
    return [...this.shifts.values()].some(
      (other) =>
        other.id !== shift.id &&
        other.professional === shift.professional &&
        (isWorked(other.status) || (countsCompleted && other.status === 'completed' && other.end > 0)) &&
        shift.start < shift.end &&
        other.start < shift.end &&
        shift.start < other.end,
    )
  }

  addCertificate(actor: ModelActor, certificate: Certificate): Outcome {
    this.#refuseAnonymous(actor)
    const isOwn = actor.role === 'zzp' && actor.professional === certificate.professional
    const isAdmin = actor.role === 'admin' && actor.tenant === 'a'
    if (!isOwn && !isAdmin && actor.role !== 'service_role') refuse('not_found')
    this.certificates.set(certificate.id, { ...certificate })
    return 'ok'
  }

  changeCertificate(
    actor: ModelActor,
    id: string,
    change: Partial<Pick<Certificate, 'isVerified' | 'validUntil'>>,
  ): Outcome {
    this.#refuseAnonymous(actor)
    const certificate = this.certificates.get(id)
    if (!certificate || !this.#managesCertificates(actor, certificate)) return 'unseen'
    this.#replaceCertificate(certificate, { ...certificate, ...change })
    return 'ok'
  }

  removeCertificate(actor: ModelActor, id: string): Outcome {
    this.#refuseAnonymous(actor)
    const certificate = this.certificates.get(id)
    if (!certificate) return 'unseen'
    const isOwn = actor.role === 'zzp' && actor.professional === certificate.professional
    const mayRemove =
      this.#managesCertificates(actor, certificate) ||
      (isOwn && !certificate.isVerified && !certificate.isDeleted)
    if (!mayRemove) return 'unseen'
    this.#replaceCertificate(certificate, { ...certificate, isDeleted: true })
    if (actor.role !== 'service_role') return 'unseen'
    this.certificates.delete(id)
    return 'ok'
  }

  setProfessional(actor: ModelActor, id: string, status: string): Outcome {
    this.#refuseAnonymous(actor)
    const isAdmin = actor.role === 'admin' && actor.tenant === 'a'
    if (!isAdmin && actor.role !== 'service_role' && actor.professional !== id) return 'unseen'
    if (status === this.professionals.get(id)) return 'ok'
    if (!isAdmin && actor.role !== 'service_role') refuse('forbidden')
    if (status !== 'active' && this.#currentShiftsOf(id).length > 0) refuse('professional_in_use')
    this.professionals.set(id, status)
    return 'ok'
  }

  moveLocation(actor: ModelActor, id: string, zone: string): Outcome {
    this.#refuseAnonymous(actor)
    const location = this.locations.get(id)
    if (!location || !this.#managesLocation(actor, location)) return 'unseen'
    const moved = [...this.shifts.values()].filter(
      (shift) => shift.location === id && !isFinished(shift.status) && !hasBegun(shift),
    )
    for (const shift of moved) {
      if (shift.zone !== zone && isWorked(shift.status) && shift.end > 0)
        this.#checkAssignment({ ...shift, zone }, actor)
    }
    for (const shift of moved) shift.zone = zone
    location.zone = zone
    return 'ok'
  }

  removeLocation(actor: ModelActor, id: string): Outcome {
    this.#refuseAnonymous(actor)
    const location = this.locations.get(id)
    if (!location || !this.#managesLocation(actor, location)) return 'unseen'
    const isUsed = [...this.shifts.values()].some(
      (shift) => shift.location === id && !isFinished(shift.status) && !shift.isDeleted,
    )
    if (isUsed) refuse('location_in_use')
    location.isDeleted = true
    return 'unseen'
  }

  /** Background work sets the status of the live payment. */
  pay(id: string, status: string): Outcome {
    const shift = this.shifts.get(id)
    const live = shift?.assignments.find(({ payment }) => payment.status !== 'voided')
    if (!shift || !live) return 'unseen'
    if (status === 'voided') refuse('payment_missing')
    const isRenewed = status === 'pending' && live.payment.status !== 'pending'
    if (isRenewed) live.payment.amount = this.#amountDue(shift, live)
    live.payment.status = status
    return 'ok'
  }

  /** @param actor undefined for a function that acts for its caller */
  #write(shift: ModelShift, change: ShiftChange, actor: ModelActor | undefined): void {
    const isCaller = actor !== undefined && actor.role !== 'service_role'
    const next = { ...shift, ...change }
    if (next.location !== shift.location) {
      if (isCaller && !this.#isOfCompany(actor, shift.company)) refuse('forbidden')
      const site = this.#siteFor(shift.company, next.location)
      next.client = site.organization
      next.zone = site.zone
    }
    if (isFinished(shift.status) && JSON.stringify(next) !== JSON.stringify(shift))
      refuse('invalid_transition')
    const hasMoved = next.status !== shift.status
    if (hasMoved) {
      if (next.status === 'assigned' && (shift.status !== 'published' || next.end <= 0))
        refuse('shift_not_open')
      if (!STEPS[shift.status].includes(next.status)) refuse('invalid_transition')
      if (isCaller && (next.status === 'active' || next.status === 'completed')) refuse('forbidden')
      if (next.status === 'published') next.professional = null
      // One that had begun did not follow its location; released, it does again.
      if (shift.status === 'assigned' && next.status === 'published')
        next.zone = this.locations.get(next.location)?.zone ?? next.zone
    }
    const isOpened = next.status === 'published' && (hasMoved || next.end !== shift.end)
    if (isCaller && isOpened && next.end <= 0) refuse('shift_over')
    const comesOrGoes = hasMoved && (next.status === 'assigned' || next.status === 'published')
    if (next.professional !== shift.professional && !comesOrGoes) refuse('invalid_transition')
    if (isCaller && actor.role === 'zzp') {
      const claimed = { ...shift, status: 'assigned', professional: actor.professional ?? null }
      if (JSON.stringify(next) !== JSON.stringify(claimed)) refuse('forbidden')
    }
    const weighed = (one: ModelShift) =>
      JSON.stringify([one.status, one.professional, one.start, one.end, one.zone, one.required])
    if (
      isCaller &&
      isWorked(next.status) &&
      next.professional &&
      weighed(next) !== weighed(shift) &&
      this.#isStranger(actor, next.professional)
    )
      refuse('professional_unavailable')
    if (isWorked(shift.status)) keepPromises(shift, next)
    const isWeighed =
      isWorked(next.status) &&
      (!isWorked(shift.status) ||
        next.start !== shift.start ||
        next.end !== shift.end ||
        next.required.join() !== shift.required.join() ||
        (next.zone !== shift.zone && next.end > 0))
    if (isWeighed && next.end >= next.start) this.#checkAssignment(next, actor)
    checkConstraints(next)
    follow(shift, next)
    Object.assign(shift, next)
    this.#price()
  }

  /** Whoever is not told why a guard cannot come: a client, and a company for which the guard never worked. */
  #isStranger(actor: ModelActor, professional: string): boolean {
    if (actor.role !== 'company') return actor.role === 'client'
    return ![...this.shifts.values()].some(
      (shift) =>
        shift.company === actor.organization &&
        shift.professional === professional &&
        (shift.status === 'active' || shift.status === 'completed') &&
        !shift.isDeleted,
    )
  }

  #checkAssignment(shift: ModelShift, actor: ModelActor | undefined): void {
    const refusal = this.attempt(() => {
      this.#weighAssignment(shift)
      return 'ok'
    })
    if (refusal === 'ok') return
    const isHidden = actor && refusal !== 'not_found' && this.#isStranger(actor, shift.professional ?? '')
    refuse(isHidden ? 'professional_unavailable' : refusal)
  }

  #weighAssignment(shift: ModelShift): void {
    const status = this.professionals.get(shift.professional ?? '')
    if (status === undefined) refuse('not_found')
    if (status !== 'active') refuse('professional_inactive')
    for (const kind of shift.required) this.#checkCertificate(shift, kind)
    if (this.#overlaps(shift, true)) refuse('shift_overlap')
  }

  #checkCertificate(shift: ModelShift, kind: string): void {
    const ends = [...this.certificates.values()]
      .filter((one) => one.professional === shift.professional && one.kind === kind)
      .filter((one) => one.isVerified && !one.isDeleted)
      .map((one) => one.validUntil)
      .sort()
    const last = ends.at(-1)
    if (last === undefined) refuse('certificate_missing')
    // A millisecond less: what ends at midnight ends with the day before.
    if (last < this.#localDay(shift.end - 1 / 60_000, shift.zone)) refuse('certificate_expired')
  }

  #localDay(minutes: number, zone: string): string {
    const parts = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' })
    return parts.format(this.#nowMs + minutes * 60_000)
  }

  #replaceCertificate(before: Certificate, after: Certificate): void {
    this.certificates.set(before.id, after)
    const isLess = !after.isVerified || after.isDeleted || after.validUntil < before.validUntil
    if (!before.isVerified || before.isDeleted || !isLess) return
    for (const shift of this.#currentShiftsOf(before.professional)) {
      if (!shift.required.includes(before.kind)) continue
      try {
        this.#checkCertificate(shift, before.kind)
      } catch {
        this.certificates.set(before.id, before)
        refuse('certificate_in_use')
      }
    }
  }

  #currentShiftsOf(professional: string): ModelShift[] {
    return [...this.shifts.values()].filter(
      (shift) => shift.professional === professional && isWorked(shift.status) && shift.end > 0,
    )
  }

  #siteFor(company: string, id: string): Location {
    const location = this.locations.get(id)
    const isTheirs =
      location?.organization === company || (location && this.#works(company, location.organization))
    if (!location || location.isDeleted || !isTheirs) refuse('not_found')
    return location
  }

  #refuseAnonymous({ role }: ModelActor): void {
    if (role === 'anon') refuse('forbidden')
  }

  /** Of the company itself, or an admin of its tenant. Every company here is of tenant a. */
  #isOfCompany(actor: ModelActor, company: string): boolean {
    if (actor.role === 'admin') return actor.tenant === 'a'
    return actor.role === 'company' && actor.organization === company
  }

  #sees(actor: ModelActor, shift: ModelShift): boolean {
    if (shift.isDeleted) return false
    if (this.#isOfCompany(actor, shift.company)) return true
    if (actor.role === 'client') return shift.client === actor.organization && shift.status !== 'draft'
    if (actor.role !== 'zzp') return false
    if (actor.professional === shift.professional && shift.professional !== null) return true
    return this.#isOpenTo(actor, shift)
  }

  #isOpenTo(actor: ModelActor, shift: ModelShift): boolean {
    return actor.role === 'zzp' && actor.tenant === 'a' && shift.status === 'published' && shift.start > 0
  }

  #mayEdit(actor: ModelActor, shift: ModelShift): boolean {
    if (actor.role === 'service_role') return true
    if (shift.isDeleted) return false
    return this.#isOfCompany(actor, shift.company) || this.#isOpenTo(actor, shift)
  }

  #managesCertificates(actor: ModelActor, { isDeleted }: Certificate): boolean {
    return actor.role === 'service_role' || (actor.role === 'admin' && actor.tenant === 'a' && !isDeleted)
  }

  #managesLocation(actor: ModelActor, { organization, isDeleted }: Location): boolean {
    if (isDeleted) return actor.role === 'service_role'
    if (actor.role === 'admin') return actor.tenant === 'a'
    return actor.role === 'service_role' || actor.organization === organization
  }
}

/** The check constraints, in the order in which PostgreSQL looks at them: by name. */
function checkConstraints(shift: ModelShift): void {
  const hasProfessional = shift.professional !== null
  const needsProfessional = isWorked(shift.status) || shift.status === 'completed'
  const broken: [boolean, name: string][] = [
    [shift.end - shift.start > 48 * HOUR, 'shifts_at_most_48_hours'],
    [(shift.status === 'cancelled') !== (shift.reason !== null), 'shifts_cancelled_has_reason'],
    [shift.end <= shift.start, 'shifts_end_after_start'],
    [shift.status !== 'cancelled' && hasProfessional !== needsProfessional, 'shifts_professional_by_status'],
    [shift.rate < 15 || shift.rate > 500, 'shifts_rate_range'],
  ]
  const first = broken.find(([isBroken]) => isBroken)
  if (first) refuse(`validation_failed ${first[1]}`)
}

/** What a company may not take back from a guard who has the shift. */
function keepPromises(before: ModelShift, after: ModelShift): void {
  if (after.status === 'published' && before.start <= 0) refuse('shift_begun')
  if (!isWorked(after.status)) return
  if (after.rate < before.rate) refuse('rate_lowered')
  const isMoved = (['start', 'end', 'location'] as const).some((key) => before[key] !== after[key])
  const assignment = inForce(before)
  if (!isMoved || !assignment || !hasBegun(before)) return
  if (after.start !== before.start || after.location !== before.location) refuse('shift_begun')
  const { intervals, claimed } = read(asWorked(before, assignment))
  const last = claimed.at(-1)
  const isAtWork = claimed.length > intervals.length || (last && last[1] !== intervals.at(-1)?.[1])
  const workedUntil =
    isAtWork && last && last[0] < 0 ? 0 : (intervals.at(-1)?.[1] ?? Number.NEGATIVE_INFINITY)
  if (workedUntil > Math.min(after.end, before.end)) refuse('end_worked')
}

const inForce = (shift: ModelShift): Assignment | undefined =>
  shift.assignments.find(({ endedAs }) => endedAs === null)

/** Of a shift that somebody has: its start has come, or they have checked in. */
function hasBegun(shift: ModelShift): boolean {
  if (!isWorked(shift.status)) return false
  return shift.start <= 0 || shift.status === 'active' || (inForce(shift)?.checkIns.length ?? 0) > 0
}

/** As the model of hours has it. */
const asWorked = (shift: ModelShift, { start, end, endedAs, checkIns }: Assignment): WorkedAssignment => ({
  shift: shift.id,
  start,
  end,
  events: checkIns.flatMap(({ kind, ...rest }) => (kind === 'ping' ? [] : { ...rest, kind })),
  stoppedAt: endedAs === 'stopped' ? 0 : undefined,
  isEvidence: endedAs === 'released' || endedAs === 'cancelled',
})

/** The assignment, its payment and the notifications that go with a change, on the shift as it will be. */
function follow(before: ModelShift, after: ModelShift): void {
  const [was, is] = [isWorked(before.status), isWorked(after.status)]
  const { start, end, rate } = after
  const current = inForce(before)
  if (!was && is) {
    const professional = after.professional ?? ''
    const payment = { status: 'pending', amount: 0 }
    after.assignments.push({ professional, endedAs: null, start, end, rate, checkIns: [], payment })
    after.notifications.push(['shift_assigned', professional])
  } else if (was && current && (after.status === 'published' || after.status === 'cancelled')) {
    const isStopped = after.status === 'cancelled' && before.status === 'active'
    current.endedAs = after.status === 'published' ? 'released' : isStopped ? 'stopped' : 'cancelled'
    if (!isStopped) current.payment.status = 'voided'
    const type = after.status === 'published' ? 'shift_released' : 'shift_cancelled'
    after.notifications.push([type, before.professional ?? ''])
  } else if (was && after.status === 'completed' && current) {
    current.endedAs = 'completed'
  } else if (was && is && current) {
    const isTold = (['start', 'end', 'rate', 'location'] as const).some((key) => before[key] !== after[key])
    if (!isTold) return
    Object.assign(current, { start, end, rate })
    after.notifications.push(['shift_changed', after.professional ?? ''])
  }
}
