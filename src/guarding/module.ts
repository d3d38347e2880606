import type { Module } from '../platform/module.ts'
import { certificateRoutes } from './certificates/routes.ts'
import { checkinRoutes } from './checkins/routes.ts'
import { codes } from './codes.ts'
import { examples } from './examples.ts'
import { incidentRoutes } from './incidents/routes.ts'
import { locationRoutes } from './locations/routes.ts'
import { transactionRoutes } from './payments/routes.ts'
import { professionalRoutes } from './professionals/routes.ts'
import { shiftRoutes } from './shifts/routes.ts'

/** Shifts of security guards: where, by whom, proved how, paid. */
export const guarding = {
  name: 'guarding',
  summary:
    'Shifts of security guards: published by companies, found nearby, claimed, proved by GPS check-ins, paid.',
  tags: [
    { name: 'shifts', description: 'From draft to completed.' },
    { name: 'check-ins', description: 'Where guards were, as their phones report it.' },
    { name: 'locations', description: 'The sites.' },
    { name: 'professionals', description: 'Guards and their certificates.' },
    { name: 'incidents', description: 'What happened on site.' },
    { name: 'transactions', description: 'What shifts pay.' },
  ],
  codes,
  examples,
  headers: {
    createCertificate: ['Location'],
    createLocation: ['Location'],
    createShift: ['Location'],
    listNearbyShifts: ['Link'],
  },
  publishedTables: ['shifts', 'shift_briefings', 'gps_checkins', 'incidents', 'finqle_transactions'],
  privateChannels: ['shift:'],
  async routes(v1, config) {
    await v1.register(professionalRoutes)
    await v1.register(certificateRoutes)
    await v1.register(locationRoutes)
    await v1.register(checkinRoutes, { perMinute: config.CHECKINS_PER_MINUTE })
    await v1.register(incidentRoutes)
    await v1.register(transactionRoutes)
    await v1.register(shiftRoutes)
  },
  // Loaded by who fills a database, which is once in its life.
  seedDemo: async (database) => (await import('./demo/seed.ts')).seedDemo(database),
} as const satisfies Module
