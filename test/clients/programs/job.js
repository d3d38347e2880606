/**
 * The main job of a guard's app, by whatever sends its requests: who am I, what is near me, take it, check in. Prints what came of
 * it, for the test.
 *
 * @param {{ get(path: string): Promise<any>, post(path: string, body?: unknown): Promise<any> }} api
 */
export async function doTheJob({ get, post }) {
  const { SHIFT, LATITUDE, LONGITUDE } = process.env
  const me = await get('/me')
  const { items } = await get(`/shifts/nearby?latitude=${LATITUDE}&longitude=${LONGITUDE}`)
  const claimed = await post(`/shifts/${SHIFT}/claim`)
  const { results } = await post('/checkins/batch', { items: checkIns() })
  console.log(
    JSON.stringify({
      role: me.role,
      nearby: items.map(({ id }) => id),
      status: claimed.status,
      results: results.map((result) => result.code ?? result.status),
    }),
  )
}

/** One that is taken, and one that cannot be. */
function checkIns() {
  const { SHIFT, LATITUDE, LONGITUDE } = process.env
  const good = {
    id: crypto.randomUUID(),
    shift_id: SHIFT,
    kind: 'clock_in',
    latitude: Number(LATITUDE),
    longitude: Number(LONGITUDE),
    accuracy_meters: 8,
    recorded_at: new Date().toISOString(),
  }
  return [good, { ...good, id: crypto.randomUUID(), latitude: 152 }]
}
