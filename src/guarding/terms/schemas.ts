import { z } from 'zod'
import { instant, instantOut, pageQuery, uuid } from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'

const DAY_MINUTES = 24 * 60

/** The terms, as `muster.terms_at` gives them to a company that has set none: a test compares the two. */
export const DEFAULT_TERMS = {
  late_after_minutes: 30,
  auto_close_minutes: 120,
  minimum_minutes: 180,
  give_back_minutes: DAY_MINUTES,
  delivery_days: 14,
  overtime_tolerance_minutes: 15,
  plan_tolerance_minutes: 15,
  approve_after_days: 7,
  dispute_days: 14,
}

const minutes = (max: number, description: string) => z.int().min(0).max(max).meta({ description })

/** The members that an assignment keeps. */
export const termValues = {
  late_after_minutes: minutes(
    DAY_MINUTES,
    'How long after the start a shift without a clock_in is flagged `late`, in minutes.',
  ),
  auto_close_minutes: minutes(
    12 * 60,
    'How long after its planned end an active shift that nobody left is closed, in minutes.',
  ),
  minimum_minutes: minutes(
    2 * DAY_MINUTES,
    'What is paid at least when the company cancels an active shift, in minutes at the hourly rate.',
  ),
  give_back_minutes: minutes(
    14 * DAY_MINUTES,
    'How long the guard may give a shift back after the company changed its times or its place, in minutes.',
  ),
  delivery_days: z.int().min(1).max(3650).meta({
    description:
      'How many days after its device time a clock event may arrive and still count. A later one is kept as evidence.',
  }),
  overtime_tolerance_minutes: minutes(
    12 * 60,
    'How many minutes after the planned end are paid without an approval of their own. Later time is an open line of the timesheet.',
  ),
  plan_tolerance_minutes: minutes(
    12 * 60,
    'How many minutes hours may differ from the plan and still be approved by themselves.',
  ),
  approve_after_days: z.int().min(0).max(366).meta({
    description:
      'How many days after they were proposed hours that match the plan are approved by themselves.',
  }),
  dispute_days: z.int().min(1).max(366).meta({
    description: 'How many days after hours were proposed or approved their guard may dispute them.',
  }),
}

export const companyTerms = z
  .strictObject({
    id: uuid,
    company_id: uuid,
    valid_from: instantOut,
    ...termValues,
    created_at: instantOut,
  })
  .meta({ id: 'CompanyTerms' })

export type CompanyTerms = z.infer<typeof companyTerms>

export const companyTermsPage = pageOf(companyTerms)

export const newCompanyTerms = z
  .strictObject({
    company_id: uuid.optional().meta({ description: "The caller's company when not given." }),
    valid_from: instant.optional().meta({
      description: 'From when new assignments are made under these terms. Now when not given.',
    }),
    late_after_minutes: termValues.late_after_minutes.default(DEFAULT_TERMS.late_after_minutes),
    auto_close_minutes: termValues.auto_close_minutes.default(DEFAULT_TERMS.auto_close_minutes),
    minimum_minutes: termValues.minimum_minutes.default(DEFAULT_TERMS.minimum_minutes),
    give_back_minutes: termValues.give_back_minutes.default(DEFAULT_TERMS.give_back_minutes),
    delivery_days: termValues.delivery_days.default(DEFAULT_TERMS.delivery_days),
    overtime_tolerance_minutes: termValues.overtime_tolerance_minutes.default(
      DEFAULT_TERMS.overtime_tolerance_minutes,
    ),
    plan_tolerance_minutes: termValues.plan_tolerance_minutes.default(DEFAULT_TERMS.plan_tolerance_minutes),
    approve_after_days: termValues.approve_after_days.default(DEFAULT_TERMS.approve_after_days),
    dispute_days: termValues.dispute_days.default(DEFAULT_TERMS.dispute_days),
  })
  .meta({ id: 'NewCompanyTerms' })

export type NewCompanyTerms = z.infer<typeof newCompanyTerms>

export const companyTermsQuery = z.strictObject({ company_id: uuid.optional(), ...pageQuery })

export type CompanyTermsFilter = Omit<z.infer<typeof companyTermsQuery>, keyof typeof pageQuery>
