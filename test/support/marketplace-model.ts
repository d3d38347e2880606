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
  professional: string
}

interface CheckIn {
  professional: string
  kind: 'clock_in' | 'ping' | 'clock_out'
  isOutside: boolean
  at: number
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
  payments: Payment[]
  checkIns: CheckIn[]
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

const STEPS: Record<ShiftStatus, ShiftStatus[]> = {
  draft: ['published', 'cancelled'],
  published: ['assigned', 'cancelled'],
  assigned: ['active', 'published', 'cancelled'],
  active: ['completed', 'cancelled'],
  completed: [],
  cancelled: [],
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
      payments: [],
      checkIns: [],
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
      if (shift.payments.length > 0) refuse('invalid_reference finqle_transactions_shift_fk')
      this.shifts.delete(id)
      return 'ok'
    }
    if (shift.isDeleted || !this.#isOfCompany(actor, shift.company)) return 'unseen'
    if (!['draft', 'published', 'cancelled'].includes(shift.status)) refuse('invalid_transition')
    shift.isDeleted = true
    return 'unseen'
  }

  checkIn(actor: ModelActor, id: string, checkIn: Omit<CheckIn, 'professional'>): Outcome {
    this.#refuseAnonymous(actor)
    const shift = this.shifts.get(id)
    if (!shift || shift.isDeleted) refuse('not_found')
    const isOwn = actor.role === 'zzp' && actor.professional === shift.professional
    if (actor.role !== 'service_role' && !isOwn) refuse(this.#sees(actor, shift) ? 'forbidden' : 'not_found')
    const { professional } = shift
    if (professional === null || !(isWorked(shift.status) || shift.status === 'completed')) {
      refuse('shift_not_assigned')
    }
    const { early, late } = CHECK_IN_WINDOW
    if (checkIn.at < shift.start - early || checkIn.at > shift.end + late) refuse('outside_check_in_window')
    if (checkIn.at > CLOCK_SKEW) refuse('recorded_in_future')
    shift.checkIns.push({ ...checkIn, professional })
    if (checkIn.kind !== 'ping') advance(shift)
    return 'ok'
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
      (shift) => shift.location === id && !isFinished(shift.status),
    )
    if (location.zone !== zone) {
      for (const shift of moved) {
        if (isWorked(shift.status) && shift.end > 0) this.#checkAssignment({ ...shift, zone }, actor)
      }
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
    const payment = this.shifts.get(id)?.payments.find((one) => one.status !== 'voided')
    if (!payment) return 'unseen'
    if (status === 'voided') refuse('payment_missing')
    if (status === 'pending' && payment.status !== 'pending') payment.amount = amountDue(this.shifts.get(id)!)
    payment.status = status
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
    const clash = [...this.shifts.values()].some(
      (other) =>
        other.id !== shift.id &&
        other.professional === shift.professional &&
        isWorked(other.status) &&
        shift.start < shift.end &&
        other.start < shift.end &&
        shift.start < other.end,
    )
    if (clash) refuse('shift_overlap')
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

/** The payment and the notifications that go with a change, on the shift as it will be. */
function follow(before: ModelShift, after: ModelShift): void {
  const [was, is] = [isWorked(before.status), isWorked(after.status)]
  const live = before.payments.find((one) => one.status !== 'voided')
  if (!was && is) {
    const professional = after.professional ?? ''
    after.payments.push({ status: 'pending', amount: payFor(after, after.start, after.end), professional })
    after.notifications.push(['shift_assigned', professional])
  } else if (was && (after.status === 'published' || after.status === 'cancelled')) {
    if (live) live.status = 'voided'
    const type = after.status === 'published' ? 'shift_released' : 'shift_cancelled'
    after.notifications.push([type, before.professional ?? ''])
  } else if (was && is) {
    const isTold = (['start', 'end', 'rate', 'location'] as const).some((key) => before[key] !== after[key])
    if (!isTold) return
    if (live?.status === 'pending') live.amount = payFor(after, after.start, after.end)
    after.notifications.push(['shift_changed', after.professional ?? ''])
  }
}

/** When the guard who has the shift came and went; infinite where they did not. */
function clockTimes(shift: ModelShift): [clockedIn: number, clockedOut: number] {
  const own = shift.checkIns.filter(({ professional }) => professional === shift.professional)
  const clockedIn = Math.min(
    ...own.filter((one) => one.kind === 'clock_in' && !one.isOutside).map(({ at }) => at),
  )
  const clockedOut = Math.min(
    ...own.filter((one) => one.kind === 'clock_out' && one.at >= clockedIn).map(({ at }) => at),
  )
  return [clockedIn, clockedOut]
}

/** Planned pay, until the hours worked are known. */
function amountDue(shift: ModelShift): number {
  const [clockedIn, clockedOut] = clockTimes(shift)
  return shift.status === 'completed' && Number.isFinite(clockedOut)
    ? payFor(shift, clockedIn, clockedOut)
    : payFor(shift, shift.start, shift.end)
}

/** Brings the state in step with the set of check-ins, whatever their order. */
function advance(shift: ModelShift): void {
  const [clockedIn, clockedOut] = clockTimes(shift)
  if (shift.status === 'assigned' && Number.isFinite(clockedIn)) shift.status = 'active'
  if (shift.status === 'active' && Number.isFinite(clockedOut)) shift.status = 'completed'
  const pending = shift.payments.find(({ status }) => status === 'pending')
  if (shift.status === 'completed' && Number.isFinite(clockedOut) && pending) {
    pending.amount = payFor(shift, clockedIn, clockedOut)
  }
}

/** In euros. Overtime counts one and a half times. Half a cent is rounded up. */
function payFor({ start, end, rate }: ModelShift, from: number, to: number): number {
  const regular = Math.max(Math.min(to, end) - Math.max(from, start), 0)
  const overtime = Math.max(to - Math.max(from, end), 0)
  // Cents for twice as many minutes, which are whole numbers: rate 20 is 2,000 cents for 60 minutes.
  const doubled = rate * 100 * (2 * regular + 3 * overtime)
  return Math.floor((doubled + HOUR) / (2 * HOUR)) / 100
}
