// Changes and positions as they happen, by supabase-js.

/** @typedef {import('@supabase/supabase-js').RealtimeChannel} RealtimeChannel */
/** @typedef {Record<string, unknown>} Row */
/** @typedef {{ table: string, type: 'INSERT' | 'UPDATE' | 'DELETE', record: Row, old: Row }} Change */

/** The bundle defines it; it comes before the modules. */
const { createClient } = /** @type {{ supabase: typeof import('@supabase/supabase-js') }} */ (
  /** @type {unknown} */ (globalThis)
).supabase

/**
 * How often the service is asked whether it is there. The client gives up when an answer takes longer than this too, so
 * after twice as long at most the page knows of a service that hangs: it promises 10 s.
 */
const HEARTBEAT_MS = 4_000

/** A socket carries 100 channels; some are left for the changes and for what may come. */
const MAX_POSITION_CHANNELS = 90

/**
 * @typedef {object} Listeners
 * @property {() => void} onJoined changes come from now on: what was read before may be old
 * @property {(reason: string) => void} onLost changes may be missed until the next `onJoined`
 * @property {() => void} onHeard the service answered
 * @property {(change: Change) => void} onChange
 * @property {(id: string, payload: Row) => void} onPosition
 */

/**
 * @param {string} token the one that is good now
 * @param {() => Promise<string>} accessToken
 * @param {{ tables: string[], channel: string }} followed tables, and what comes before the id in the name of a channel of positions
 * @param {Listeners} listeners
 */
export function openFeed(
  token,
  accessToken,
  { tables, channel: prefix },
  { onJoined, onLost, onHeard, onChange, onPosition },
) {
  // There is no separate key here: whoever has a token may connect.
  const client = createClient(location.origin, token, {
    accessToken,
    realtime: {
      heartbeatIntervalMs: HEARTBEAT_MS,
      heartbeatCallback: (status) => {
        if (status === 'ok') onHeard()
        if (status === 'timeout') onLost('The service does not answer')
      },
    },
  })
  /** By id. @type {Map<string, RealtimeChannel>} */
  const positions = new Map()

  const changes = client.channel('live')
  for (const table of tables) {
    changes.on('postgres_changes', { event: '*', schema: 'public', table }, (event) => {
      onChange({ table, type: event.eventType, record: event.new, old: event.old })
    })
  }
  // A channel can be joined and still be told that the changes of a table are not to be had.
  changes.on('system', {}, ({ status, message }) => {
    if (status === 'error') onLost(message)
  })
  // The token must be there first: a channel that is joined before it is joined by nobody in particular.
  void client.realtime.setAuth().then(() => {
    changes.subscribe((status) => {
      if (status === 'SUBSCRIBED') onJoined()
      else onLost(status)
    })
  })

  return {
    /** Tells the service the token that is good now, before the one before it ends. */
    renew: () => void client.realtime.setAuth().catch(() => {}),

    /**
     * Listens to the positions on these channels, and on no others.
     *
     * @param {string[]} ids
     * @returns {number} on how many
     */
    followPositions(ids) {
      const wanted = new Set(ids.slice(0, MAX_POSITION_CHANNELS))
      for (const [id, channel] of positions) {
        if (wanted.has(id)) continue
        positions.delete(id)
        void client.removeChannel(channel)
      }
      for (const id of wanted) {
        if (positions.has(id)) continue
        const channel = client
          .channel(`${prefix}${id}`, { config: { private: true } })
          .on('broadcast', { event: 'position' }, ({ payload }) => onPosition(id, payload ?? {}))
        positions.set(id, channel)
        channel.subscribe()
      }
      return wanted.size
    },

    /** For whoever may. @param {string} id @param {Row} payload */
    async sendPosition(id, payload) {
      await positions.get(id)?.send({ type: 'broadcast', event: 'position', payload })
    },

    async close() {
      await client.removeAllChannels()
      await client.realtime.disconnect()
    },
  }
}

/** @typedef {ReturnType<typeof openFeed>} Feed */
