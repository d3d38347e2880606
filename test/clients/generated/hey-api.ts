import {
  type BatchCheckIn,
  claimShift,
  createCheckIns,
  createShift,
  getMe,
  listNearbyShifts,
  type NewShift,
} from './hey'
import { client } from './hey/client.gen'

declare const process: { env: Record<string, string> }
declare const crypto: { randomUUID(): string }
const { BASE, GUARD, COMPANY, SHIFT, LOCATION, LATITUDE, LONGITUDE } = process.env

const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString()

/** As the README has it: members with a default are not demanded. */
const newShift: NewShift = {
  location_id: LOCATION!,
  title: 'Night watch',
  start_datetime: inHours(200),
  end_datetime: inHours(208),
  hourly_rate: 24.5,
  status: 'published',
}

const checkIn = (latitude: number): BatchCheckIn => ({
  id: crypto.randomUUID(),
  shift_id: SHIFT!,
  kind: 'clock_in',
  latitude,
  longitude: Number(LONGITUDE),
  accuracy_meters: 8,
  recorded_at: inHours(0),
})

async function main(): Promise<void> {
  client.setConfig({ baseUrl: BASE!, auth: () => GUARD })
  const created = await createShift({ body: newShift, auth: () => COMPANY })
  const me = await getMe()
  const nearby = await listNearbyShifts({
    query: { latitude: Number(LATITUDE), longitude: Number(LONGITUDE) },
  })
  const path = { id: SHIFT! }
  const claimed = await claimShift({ path })
  const again = await claimShift({ path })
  const batch = await createCheckIns({ body: { items: [checkIn(Number(LATITUDE)), checkIn(152)] } })
  const results = batch.data?.results.map((result) =>
    result.status === 'rejected' ? `${result.code} ${result.errors?.[0]?.pointer}` : result.checkin.verdict,
  )
  console.log(
    JSON.stringify({
      created: created.data?.required_certificates,
      role: me.data?.role,
      nearby: nearby.data && 'items' in nearby.data ? nearby.data.items.map(({ id }) => id) : undefined,
      status: claimed.data?.status,
      isTaken: again.error?.code === 'shift_not_open',
      results,
    }),
  )
}

void main()
