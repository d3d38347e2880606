import { CENTRE, CLIENT } from '../people/examples.ts'
import type { Example } from '../platform/http/openapi/part.ts'

const LOCATION = 'de310000-0000-7000-8000-000000000000'
const GUARD = 'de3e0000-0000-7000-8000-000000000000'
const GUARD2 = 'de3e0000-0000-7000-8000-000000000001'
/** Shifts of the demo's last days, so that they stay what they are for as long as the demo lasts. */
const shift = (n: number): string => `de350000-0000-7000-8000-${String(n).padStart(12, '0')}`
const OPEN = shift(166)
const CLAIMED = shift(163)
/** Proposed by guards of the demo. */
const CORRECTION = 'de3b0000-0000-7000-8000-000000000001'
const CORRECTION2 = 'de3b0000-0000-7000-8000-000000000002'

/** As what `POST /v1/shifts` takes. The demo's guards have their certificates until then. */
const NEW_SHIFT = {
  location_id: LOCATION,
  status: 'published',
  start_datetime: '2030-03-01T22:00:00+01:00',
  end_datetime: '2030-03-02T06:00:00+01:00',
  hourly_rate: 24.5,
  required_certificates: ['vca'],
  title: 'Night watch',
}

const CHECK_IN = {
  id: '5f3b1c7e-2d84-4a6f-9c1b-7e0d3a5b9f42',
  kind: 'clock_in',
  latitude: 52.3741,
  longitude: 4.89945,
  accuracy_meters: 8,
  recorded_at: '2030-03-01T20:58:12.5Z',
}

export const examples: Readonly<Record<string, Example>> = {
  getProfessional: { as: 'guard', parameters: { id: GUARD } },
  changeProfessional: { as: 'guard', parameters: { id: GUARD }, body: CENTRE },
  createCertificate: {
    as: 'guard',
    body: { kind: 'ehbo', number: 'EHBO-2041', valid_until: '2031-06-30' },
  },
  verifyCertificate: { as: 'admin', body: { verified: true } },
  createLocation: {
    as: 'company',
    body: {
      organization_id: CLIENT,
      name: 'Central Station',
      address: 'Stationsplein 1, Amsterdam',
      latitude: 52.37888,
      longitude: 4.90027,
      radius_meters: 150,
    },
  },
  getLocation: { as: 'company', parameters: { id: LOCATION } },
  changeLocation: { as: 'client', parameters: { id: LOCATION }, body: { radius_meters: 100 } },
  createCheckIn: { as: 'guard', body: CHECK_IN },
  createCheckIns: {
    as: 'guard',
    body: {
      items: [
        { ...CHECK_IN, shift_id: CLAIMED },
        {
          ...CHECK_IN,
          id: 'c0a8f4d2-61be-4f37-8a95-2b9d7e6c1f08',
          kind: 'ping',
          recorded_at: '2030-03-01T21:28:13Z',
          shift_id: CLAIMED,
        },
      ],
    },
  },
  listCheckIns: { as: 'company', parameters: { id: OPEN } },
  createIncident: {
    as: 'guard',
    body: {
      shift_id: CLAIMED,
      category: 'vandalism',
      severity: 'medium',
      description: 'A window beside the east entrance is broken.',
      occurred_at: '2026-01-31T23:40:00+01:00',
    },
  },
  changeIncident: { as: 'company', body: { status: 'acknowledged' } },
  listNearbyCheckIns: {
    as: 'company',
    parameters: {
      ...CENTRE,
      radius_meters: 500,
      from: '2026-01-31T21:00:00Z',
      to: '2026-02-01T05:00:00Z',
    },
  },
  listNearbyShifts: { as: 'guard', parameters: { ...CENTRE, radius_meters: 5000 } },
  createShift: { as: 'company', body: NEW_SHIFT },
  createShifts: {
    as: 'company',
    body: {
      items: [
        NEW_SHIFT,
        {
          ...NEW_SHIFT,
          start_datetime: '2030-03-02T22:00:00+01:00',
          end_datetime: '2030-03-03T06:00:00+01:00',
        },
      ],
    },
  },
  getShift: { as: 'company', parameters: { id: OPEN } },
  changeShift: { as: 'company', parameters: { id: OPEN }, body: { hourly_rate: 27.5 } },
  removeShift: { as: 'company', parameters: { id: shift(153) } },
  publishShift: { as: 'company', parameters: { id: shift(161) } },
  assignShift: { as: 'company', parameters: { id: shift(157) }, body: { professional_id: GUARD2 } },
  claimShift: { as: 'guard', parameters: { id: CLAIMED } },
  releaseShift: { as: 'company', parameters: { id: shift(95) } },
  cancelShift: {
    as: 'company',
    parameters: { id: shift(155) },
    body: { reason: 'The client closed the site.' },
  },
  getCorrection: { as: 'company', parameters: { id: CORRECTION } },
  createCorrection: {
    as: 'guard',
    body: {
      change: 'happened',
      kind: 'clock_out',
      becomes_at: '2030-03-02T06:00:00+01:00',
      reason: 'The battery was empty.',
    },
  },
  acceptCorrection: { as: 'company', parameters: { id: CORRECTION } },
  refuseCorrection: { as: 'company', parameters: { id: CORRECTION2 } },
  createCompanyTerms: { as: 'company', body: { late_after_minutes: 20, minimum_minutes: 180 } },
  createAllowance: {
    as: 'company',
    body: { kind: 'night', percent: 25, window_from: '22:00', window_to: '06:00' },
  },
  approveTimesheet: { as: 'company', body: { open_lines: ['overtime_beyond_tolerance'] } },
  approveTimesheets: { as: 'company', body: { ids: ['7d0c3a52-6f41-4a9e-8b27-91c5d8e0f364'] } },
  disputeTimesheet: {
    as: 'guard',
    body: { reason: 'I was there until 07:30, and my phone was off.' },
  },
  counterTimesheet: {
    as: 'guard',
    body: {
      worked: [{ from: '2026-01-31T22:00:00+01:00', to: '2026-02-01T07:30:00+01:00' }],
      reason: 'I was there until 07:30, and my phone was off.',
    },
  },
  createPayTerms: {
    as: 'company',
    body: { period: 'four_weeks', time_zone: 'Europe/Amsterdam', valid_from: '2031-01-01' },
  },
  correctStatement: { as: 'company', body: { reason: 'The VAT number was missing.' } },
  createTaxTerms: {
    as: 'guard',
    body: { vat_rate: 21, vat_number: 'NL123456789B01', valid_from: '2026-01-01' },
  },
  receivePayoutEvent: {
    // Nobody's: the provider has no token, and signs the body.
    as: 'admin',
    body: {
      id: 'evt_8f31',
      key: '019ac2f0-5b7e-7c1d-9a40-6d2f3b8e1c05',
      reference: 'pay_20261130_0042',
      status: 'completed',
      occurred_at: '2026-11-30T10:15:00Z',
    },
  },
  resolveTimesheet: { as: 'company', body: { outcome: 'countered' } },
  listCandidates: { as: 'company', parameters: { id: OPEN } },
  syncTable: { as: 'company', parameters: { table: 'shifts' } },
}
