import createClient from 'openapi-fetch'
import type { components, paths } from './schema'

declare const process: { env: Record<string, string> }
declare const crypto: { randomUUID(): string }
const { BASE, GUARD, COMPANY, SHIFT, LOCATION, LATITUDE, LONGITUDE } = process.env

const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString()

/** As the README has it: members with a default are not demanded. */
const newShift: components['schemas']['NewShift'] = {
  location_id: LOCATION!,
  title: 'Night watch',
  start_datetime: inHours(100),
  end_datetime: inHours(108),
  hourly_rate: 24.5,
  status: 'published',
}

const checkIn = (latitude: number): components['schemas']['BatchCheckIn'] => ({
  id: crypto.randomUUID(),
  shift_id: SHIFT!,
  kind: 'clock_in',
  latitude,
  longitude: Number(LONGITUDE),
  accuracy_meters: 8,
  recorded_at: inHours(0),
})

async function main(): Promise<void> {
  const as = (token = '') =>
    createClient<paths>({ baseUrl: BASE!, headers: { Authorization: `Bearer ${token}` } })
  const guard = as(GUARD)

  const created = await as(COMPANY).POST('/v1/shifts', { body: newShift })
  const me = await guard.GET('/v1/me')
  const nearby = await guard.GET('/v1/shifts/nearby', {
    params: { query: { latitude: Number(LATITUDE), longitude: Number(LONGITUDE) } },
  })
  const path = { id: SHIFT! }
  const claimed = await guard.POST('/v1/shifts/{id}/claim', { params: { path } })
  const again = await guard.POST('/v1/shifts/{id}/claim', { params: { path } })
  const batch = await guard.POST('/v1/checkins/batch', {
    body: { items: [checkIn(Number(LATITUDE)), checkIn(152)] },
  })
  // `status` decides what else there is: no casts.
  const results = batch.data?.results.map((result) =>
    result.status === 'rejected' ? `${result.code} ${result.errors?.[0]?.pointer}` : result.checkin.verdict,
  )
  console.log(
    JSON.stringify({
      created: created.data?.required_certificates,
      role: me.data?.role,
      nearby: nearby.data && 'items' in nearby.data ? nearby.data.items.map(({ id }) => id) : undefined,
      status: claimed.data?.status,
      // Compared with a code that it cannot be, this does not compile.
      isTaken: again.error?.code === 'shift_not_open',
      results,
    }),
  )
}

void main()
