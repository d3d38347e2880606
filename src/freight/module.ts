import type { Module } from '../platform/module.ts'
import { brokerRoutes } from './brokers/routes.ts'
import { codes } from './codes.ts'
import { driverRoutes } from './drivers/routes.ts'
import { examples } from './examples.ts'
import { trailerRoutes } from './trailers/routes.ts'
import { truckRoutes } from './trucks/routes.ts'

/** The back office of carriers: whom they drive for, with whom and with what. */
export const freight = {
  name: 'freight',
  summary:
    'The API also manages the back office of carriers: the brokers who give them loads, their drivers, trucks and trailers.',
  tags: [
    { name: 'brokers', description: 'The brokers who give a carrier loads.' },
    { name: 'drivers', description: 'The drivers of a carrier.' },
    { name: 'equipment', description: 'The trucks and trailers of a carrier.' },
  ],
  codes,
  sqlstates: 'MU4',
  examples,
  headers: {
    createBroker: ['Location'],
    createDriver: ['Location'],
    createTrailer: ['Location'],
    createTruck: ['Location'],
  },
  publishedTables: [],
  notificationTypes: [],
  roles: { office: 'carrier', dispatcher: 'carrier', driver: 'carrier', broker: 'broker' },
  privateChannels: [],
  async routes(v1) {
    await v1.register(brokerRoutes)
    await v1.register(driverRoutes)
    await v1.register(truckRoutes)
    await v1.register(trailerRoutes)
  },
  // Loaded by who fills a database, which is once in its life.
  seedDemo: async (database) => (await import('./demo/seed.ts')).seedDemo(database),
} as const satisfies Module
