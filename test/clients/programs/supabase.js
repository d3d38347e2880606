import { createClient } from '@supabase/supabase-js'

const { BASE, GUARD, ANON_KEY, SHIFT } = process.env
const client = createClient(BASE, ANON_KEY, {
  accessToken: async () => GUARD,
  // The first subscriber waits for the change feed, which starts once older transactions on the server have ended: other tests' too.
  realtime: { timeout: 60_000 },
})

await client.realtime.setAuth()

/** The first change of the shift that is followed, once the claim is made. */
const changed = new Promise((resolve, reject) => {
  client
    .channel('my shift')
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'shifts', filter: `id=eq.${SHIFT}` },
      resolve,
    )
    .on('system', {}, ({ status, message }) => {
      if (status === 'ok') void claim()
      else reject(new Error(message))
    })
    .subscribe((status, error) => {
      if (status === 'CHANNEL_ERROR' || status === 'TIMED_OUT') reject(error ?? new Error(status))
    })
})

async function claim() {
  const headers = { authorization: `Bearer ${GUARD}` }
  await fetch(`${BASE}/v1/shifts/${SHIFT}/claim`, { method: 'POST', headers })
}

const change = await changed
console.log(JSON.stringify({ event: change.eventType, id: change.new.id, status: change.new.status }))
await client.removeAllChannels()
