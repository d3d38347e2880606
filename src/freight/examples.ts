import type { Example } from '../platform/http/openapi/part.ts'
import { brokerId, driverId, NEW_DRIVER_USER, trailerId, truckId } from './demo/ids.ts'

/** Records that a removal may take: the others need those that come before. */
const LAST = 3

export const examples: Readonly<Record<string, Example>> = {
  createBroker: {
    as: 'dispatcher',
    body: { name: 'Lakeside Logistics', mc_number: '611204', dot_number: '3014477', payment_days: 21 },
  },
  getBroker: { as: 'dispatcher', parameters: { id: brokerId(1) } },
  changeBroker: { as: 'dispatcher', parameters: { id: brokerId(2) }, body: { credit_status: 'approved' } },
  removeBroker: { as: 'office', parameters: { id: brokerId(LAST) } },
  createDriver: {
    as: 'office',
    body: {
      user_id: NEW_DRIVER_USER,
      name: 'Demo driver 2',
      license_number: 'W40519003',
      license_class: 'A',
      endorsements: ['N'],
      hire_date: '2024-06-03',
      pay_kind: 'percentage',
      pay_percentage: 28,
    },
  },
  getDriver: { as: 'driver', parameters: { id: driverId(1) } },
  changeDriver: { as: 'office', parameters: { id: driverId(1) }, body: { pay_per_distance: 0.65 } },
  createTruck: {
    as: 'office',
    body: { unit_number: 'T-104', vin: '1M8GDM9AXKP042788', inspection_due_on: '2031-04-30' },
  },
  getTruck: { as: 'dispatcher', parameters: { id: truckId(1) } },
  changeTruck: { as: 'office', parameters: { id: truckId(2) }, body: { status: 'out_of_service' } },
  removeTruck: { as: 'office', parameters: { id: truckId(LAST) } },
  createTrailer: {
    as: 'office',
    body: { unit_number: 'R-104', vin: '1HGCM82633A004352', inspection_due_on: '2031-04-30', kind: 'reefer' },
  },
  getTrailer: { as: 'dispatcher', parameters: { id: trailerId(1) } },
  changeTrailer: {
    as: 'office',
    parameters: { id: trailerId(2) },
    body: { inspection_due_on: '2032-04-30' },
  },
  removeTrailer: { as: 'office', parameters: { id: trailerId(LAST) } },
}
