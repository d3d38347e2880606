import type { Example } from '../platform/http/openapi/part.ts'
import {
  brokerId,
  deductionId,
  documentId,
  driverId,
  dutyEditId,
  dutyId,
  loadId,
  NEW_DRIVER_USER,
  statementId,
  stopId,
  trailerId,
  truckId,
} from './demo/ids.ts'

/** Records that a removal may take: the others need those that come before. */
const LAST = 3

const NEW_LOAD = {
  broker_id: brokerId(1),
  reference: 'LL-20991',
  rate: 1275.5,
  distance: 346,
  metadata: { purchase_order: 'PO-7781' },
  stops: [
    {
      kind: 'pickup',
      name: 'Lakeside warehouse',
      address: '1200 Harbor Road, Cleveland, OH',
      latitude: 41.4995,
      longitude: -81.6954,
      time_zone: 'America/New_York',
      window_starts_at: '2030-03-04T08:00:00-05:00',
      window_ends_at: '2030-03-04T10:00:00-05:00',
    },
    {
      kind: 'delivery',
      name: 'Prairie distribution',
      address: '88 Depot Street, Chicago, IL',
      latitude: 41.85,
      longitude: -87.6501,
      time_zone: 'America/Chicago',
      window_starts_at: '2030-03-04T15:00:00-06:00',
      window_ends_at: '2030-03-04T18:00:00-06:00',
    },
  ],
}

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
    },
  },
  getDriver: { as: 'driver', parameters: { id: driverId(1) } },
  changeDriver: { as: 'office', parameters: { id: driverId(1) }, body: { endorsements: ['N', 'T'] } },
  getDriverPayTerms: { as: 'driver', parameters: { id: driverId(1) } },
  putDriverPayTerms: {
    as: 'office',
    parameters: { id: driverId(1) },
    body: { pay_kind: 'per_distance', pay_per_distance: 0.65 },
  },
  listDriverDocuments: { as: 'driver', parameters: { id: driverId(1) } },
  createDriverDocument: {
    as: 'driver',
    parameters: { id: driverId(1) },
    body: { kind: 'hazmat_endorsement', number: 'HZ-20417', expiry_date: '2031-03-31' },
  },
  getDriverDocument: { as: 'dispatcher', parameters: { id: documentId(1) } },
  changeDriverDocument: {
    as: 'driver',
    parameters: { id: documentId(LAST) },
    body: { expiry_date: '2031-06-30' },
  },
  verifyDriverDocument: {
    as: 'office',
    parameters: { id: documentId(2) },
    body: { number: 'MC-803316', expiry_date: '2099-06-30' },
  },
  removeDriverDocument: { as: 'office', parameters: { id: documentId(LAST) } },
  createDutyStatuses: {
    as: 'driver',
    body: {
      items: [
        {
          id: 'de480000-0000-7000-8000-000000000001',
          status: 'on_duty',
          began_at: '2026-01-31T08:12:00-06:00',
          recorded_at: '2026-01-31T08:12:04-06:00',
          device_id: 'phone-7f3a',
          latitude: 41.85003,
          longitude: -87.65005,
        },
        {
          id: 'de480000-0000-7000-8000-000000000002',
          status: 'driving',
          began_at: '2026-01-31T08:40:00-06:00',
          device_id: 'phone-7f3a',
        },
      ],
    },
  },
  listDutyStatuses: { as: 'dispatcher', parameters: { id: driverId(1) } },
  getDriverHours: { as: 'dispatcher', parameters: { id: driverId(1) } },
  listDutyEdits: { as: 'driver', parameters: { id: driverId(1) } },
  createDutyEdit: {
    as: 'driver',
    parameters: { id: driverId(1) },
    body: { kind: 'void', entry_id: dutyId(1), reason: 'The phone recorded it twice.' },
  },
  acceptDutyEdit: { as: 'driver', parameters: { id: dutyEditId(1) } },
  refuseDutyEdit: { as: 'driver', parameters: { id: dutyEditId(2) } },
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
  listLoadsOfBroker: { as: 'broker', parameters: { id: brokerId(1) } },
  createLoad: { as: 'dispatcher', body: NEW_LOAD },
  createLoads: {
    as: 'dispatcher',
    body: { items: [NEW_LOAD, { ...NEW_LOAD, reference: 'LL-20992', rate: 1300 }] },
  },
  getLoad: { as: 'driver', parameters: { id: loadId(4) } },
  changeLoad: { as: 'dispatcher', parameters: { id: loadId(1) }, body: { rate: 1050 } },
  removeLoad: { as: 'office', parameters: { id: loadId(8) } },
  replaceStops: { as: 'dispatcher', parameters: { id: loadId(9) }, body: { stops: NEW_LOAD.stops } },
  changeStop: {
    as: 'dispatcher',
    parameters: { id: stopId(10, 1) },
    body: { arrived_at: '2026-01-31T08:12:00-06:00' },
  },
  listStopEvents: { as: 'broker', parameters: { id: loadId(4) } },
  createStopEvents: {
    as: 'driver',
    body: {
      items: [
        {
          id: 'de4a1000-0000-7000-8000-000000000001',
          kind: 'arrival',
          stop_id: stopId(4, 2),
          latitude: 39.76838,
          longitude: -86.15804,
          accuracy_meters: 12,
          recorded_at: '2026-01-31T08:12:04.250-06:00',
        },
        {
          id: 'de4a1000-0000-7000-8000-000000000002',
          kind: 'position',
          load_id: loadId(4),
          latitude: 40.4,
          longitude: -86.7,
          accuracy_meters: 9,
          recorded_at: '2026-01-31T07:12:00-06:00',
        },
      ],
    },
  },
  listNearbyLoads: { as: 'dispatcher', parameters: { driver_id: driverId(1), radius_meters: 500_000 } },
  listLoadCandidates: { as: 'dispatcher', parameters: { id: loadId(1) } },
  assignLoad: {
    as: 'dispatcher',
    parameters: { id: loadId(1) },
    body: { driver_id: driverId(1), truck_id: truckId(1), trailer_id: trailerId(1) },
  },
  unassignLoad: { as: 'dispatcher', parameters: { id: loadId(2) }, body: { leg: 1 } },
  dispatchLoad: { as: 'dispatcher', parameters: { id: loadId(3) } },
  deliverLoad: { as: 'driver', parameters: { id: loadId(4) } },
  invoiceLoad: { as: 'office', parameters: { id: loadId(5) } },
  payLoad: { as: 'office', parameters: { id: loadId(6) } },
  cancelLoad: {
    as: 'dispatcher',
    parameters: { id: loadId(9) },
    body: { reason: 'The broker withdrew it.' },
  },
  createDriverPayment: {
    as: 'office',
    body: {
      driver_id: driverId(1),
      load_id: loadId(5),
      type: 'detention',
      quantity: 2.5,
      rate: 30,
      explanation: '2.5 hours at the dock in Cleveland',
      earned_on: '2026-01-30',
    },
  },
  settleDriverPayments: {
    as: 'office',
    body: { driver_id: driverId(1), first_day: '2025-12-01', last_day: '2025-12-31' },
  },
  getDriverStatement: { as: 'driver', parameters: { id: statementId(2) } },
  moveDriverStatement: {
    as: 'office',
    parameters: { id: statementId(5) },
    body: { status: 'processing' },
  },
  createDriverDeduction: {
    as: 'office',
    body: {
      driver_id: driverId(1),
      amount: 42.5,
      explanation: 'Occupational accident insurance',
      valid_from: '2026-02-01',
    },
  },
  changeDriverDeduction: {
    as: 'office',
    parameters: { id: deductionId(1) },
    body: { valid_until: '2027-06-30' },
  },
}
