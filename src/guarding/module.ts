import type { Module } from '../platform/module.ts'
import { allowanceRoutes } from './allowances/routes.ts'
import { assignmentRoutes } from './assignments/routes.ts'
import { certificateRoutes } from './certificates/routes.ts'
import { checkinRoutes } from './checkins/routes.ts'
import { codes } from './codes.ts'
import { correctionRoutes } from './corrections/routes.ts'
import { examples } from './examples.ts'
import { incidentRoutes } from './incidents/routes.ts'
import { jobs } from './jobs.ts'
import { locationRoutes } from './locations/routes.ts'
import { metrics } from './metrics.ts'
import { notifications } from './notifications.ts'
import { payPeriodRoutes } from './pay-periods/routes.ts'
import { transactionRoutes } from './payments/routes.ts'
import { payoutChecks } from './payouts/health.ts'
import { payoutRoutes, payoutWebhookRoutes } from './payouts/routes.ts'
import { professionalRoutes } from './professionals/routes.ts'
import { reportRoutes } from './reports/routes.ts'
import { nearbyWarmUp } from './shifts/queries.ts'
import { shiftRoutes } from './shifts/routes.ts'
import { statementRoutes } from './statements/routes.ts'
import { companyTermsRoutes } from './terms/routes.ts'
import { timesheetRoutes } from './timesheets/routes.ts'

/** Shifts of security guards: where, by whom, proved how, paid. */
export const guarding = {
  name: 'guarding',
  summary:
    'The API manages the shifts of security guards. Companies publish shifts; guards find and claim nearby shifts, prove their presence by GPS check-ins, and get paid.',
  tags: [
    { name: 'shifts', description: 'Shifts and their lifecycle, from draft to completed.' },
    {
      name: 'assignments',
      description: 'Who has, or had, which shift; on what terms; and how it ended.',
    },
    {
      name: 'corrections',
      description: 'What companies and guards agree on where clock events are wrong or missing.',
    },
    { name: 'check-ins', description: 'GPS check-ins, as the phones of guards report them.' },
    { name: 'locations', description: 'The sites where guards work.' },
    { name: 'professionals', description: 'Guards and their certificates.' },
    { name: 'incidents', description: 'Incidents that guards report from a site.' },
    {
      name: 'timesheets',
      description: 'The hours of a shift, and what they pay: proposed by the clock, agreed by both sides.',
    },
    {
      name: 'pay periods',
      description: 'The days for which a company pays at once. Closing one locks its timesheets.',
    },
    {
      name: 'statements',
      description: 'What a company pays a guard for a pay period: a self-billed invoice.',
    },
    { name: 'reports', description: 'Earnings and hours by month.' },
    {
      name: 'transactions',
      description: 'What each assignment pays: an estimate, and after approval the total of its timesheet.',
    },
    { name: 'payouts', description: 'What is sent to the payment provider, and what became of it.' },
  ],
  codes,
  constraints: { gps_checkins_pkey: 'id_conflict' },
  sqlstates: 'MU3',
  examples,
  headers: {
    createCertificate: ['Location'],
    createCorrection: ['Location'],
    createLocation: ['Location'],
    createShift: ['Location'],
    exportTimesheets: ['Link'],
    listNearbyShifts: ['Link'],
  },
  publishedTables: [
    'shifts',
    'shift_briefings',
    'assignments',
    'corrections',
    'gps_checkins',
    'incidents',
    'finqle_transactions',
    'timesheets',
    'timesheet_lines',
    'timesheet_steps',
    'pay_periods',
    'statements',
    'statement_lines',
    'payouts',
  ],
  notifications,
  roles: { company: 'company', client: 'client', zzp: null },
  privateChannels: ['shift:'],
  board: {
    folder: new URL('./live/', import.meta.url),
    scripts: ['main', 'board', 'days', 'details', 'entries', 'marks', 'needs', 'words'],
    parts: ['marks', 'choices'],
    words: {
      item: 'Shift',
      items: 'Shifts',
      which: 'Which shifts to show',
      choices: 'Days and states.',
      search: 'Title, site or guard',
      every_site: 'Show all sites',
      seen: 'Last seen, incidents',
      somebody: 'company@example.com',
    },
  },
  jobs,
  checks: payoutChecks,
  metrics,
  warmUp: [nearbyWarmUp],
  async routes(v1, config) {
    await v1.register(professionalRoutes)
    await v1.register(certificateRoutes)
    await v1.register(locationRoutes)
    await v1.register(assignmentRoutes)
    await v1.register(correctionRoutes)
    await v1.register(companyTermsRoutes)
    await v1.register(checkinRoutes, { perMinute: config.CHECKINS_PER_MINUTE })
    await v1.register(incidentRoutes)
    await v1.register(timesheetRoutes)
    await v1.register(allowanceRoutes)
    await v1.register(payPeriodRoutes)
    await v1.register(statementRoutes)
    await v1.register(reportRoutes)
    await v1.register(transactionRoutes)
    await v1.register(payoutRoutes)
    await v1.register(payoutWebhookRoutes, { config })
    await v1.register(shiftRoutes)
  },
  // Loaded by who fills a database, which is once in its life.
  seedDemo: async (database) => (await import('./demo/seed.ts')).seedDemo(database),
} as const satisfies Module
