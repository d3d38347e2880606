import type { Module } from '../platform/module.ts'
import { brokerRoutes } from './brokers/routes.ts'
import { codes } from './codes.ts'
import { documentRoutes } from './documents/routes.ts'
import { driverRoutes } from './drivers/routes.ts'
import { dutyRoutes } from './duty/routes.ts'
import { examples } from './examples.ts'
import { jobs } from './jobs.ts'
import { loadRoutes } from './loads/routes.ts'
import { notifications } from './notifications.ts'
import { payRoutes } from './pay/routes.ts'
import { stopEventRoutes } from './stops/routes.ts'
import { trailerRoutes } from './trailers/routes.ts'
import { truckRoutes } from './trucks/routes.ts'

/** The back office of carriers: whom they drive for, with whom and with what. */
export const freight = {
  name: 'freight',
  summary:
    'The API also manages the back office of carriers: the loads that they move, the brokers who give them, their drivers with the documents that these carry, the logs that they keep and what they are paid, trucks and trailers.',
  tags: [
    {
      name: 'loads',
      description: 'The loads of a carrier: their stops, who drives them, and their lifecycle.',
    },
    {
      name: 'stop-events',
      description: 'Arrivals, departures and positions of loads, as the phones of drivers report them.',
    },
    { name: 'brokers', description: 'The brokers who give a carrier loads.' },
    { name: 'drivers', description: 'The drivers of a carrier, and their documents.' },
    { name: 'duty', description: 'The logs of drivers, and the hours of service that they leave.' },
    { name: 'equipment', description: 'The trucks and trailers of a carrier.' },
    {
      name: 'pay',
      description:
        'The pay terms of the drivers of a carrier, what they are owed, the statements that settle it, and reports.',
    },
  ],
  codes,
  sqlstates: 'MU4',
  examples,
  headers: {
    createBroker: ['Location'],
    createDriver: ['Location'],
    createDriverDocument: ['Location'],
    createLoad: ['Location'],
    createTrailer: ['Location'],
    createTruck: ['Location'],
    exportDriverStatements: ['Link'],
    exportLoads: ['Link'],
  },
  publishedTables: [
    'loads',
    'load_stops',
    'load_assignments',
    'stop_events',
    'driver_documents',
    'duty_status_changes',
    'duty_status_edits',
    'driver_payments',
    'driver_statements',
  ],
  notifications,
  roles: { office: 'carrier', dispatcher: 'carrier', driver: 'carrier', broker: 'broker' },
  privateChannels: [],
  board: {
    folder: new URL('./live/', import.meta.url),
    scripts: ['main', 'board', 'details', 'entries', 'marks', 'needs', 'words'],
    parts: ['marks'],
    words: {
      item: 'Load',
      items: 'Loads',
      which: 'Which loads to show',
      choices: 'States.',
      search: 'Reference, stop, driver, truck or broker',
      every_site: 'Show all stops',
      seen: 'Last seen, due',
      somebody: 'dispatcher@example.com',
    },
  },
  jobs,
  async routes(v1, config) {
    await v1.register(brokerRoutes)
    await v1.register(driverRoutes)
    await v1.register(documentRoutes)
    await v1.register(dutyRoutes)
    await v1.register(truckRoutes)
    await v1.register(trailerRoutes)
    await v1.register(loadRoutes)
    await v1.register(stopEventRoutes, { perMinute: config.STOP_EVENTS_PER_MINUTE })
    await v1.register(payRoutes)
  },
  // Loaded by who fills a database, which is once in its life.
  seedDemo: async (database) => (await import('./demo/seed.ts')).seedDemo(database),
} as const satisfies Module
