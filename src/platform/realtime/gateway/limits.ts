import type { Rate } from './allowance.ts'

/** What one socket may ask of the gateway. Each limit is far above what an app does, and below what would hurt others. */

/** A client sends a heartbeat every 25 s; one that is silent for this long (Phoenix's default) is gone. */
export const IDLE_TIMEOUT_MS = 60_000

/** Sockets are looked over together, so that ten thousand of them need one timer. */
export const SWEEP_INTERVAL_MS = 10_000

/** Backpressure: a client with more unsent bytes is disconnected, and has to reconnect and resync. Small, because all clients share one heap. */
export const MAX_BUFFERED_BYTES = 8_000_000

/**
 * Unsent bytes of all clients together: past it the slowest are cut. Eight clients at their own limit fit, or a thousand that are a
 * hundred changes behind; and it leaves most of a small container (512 MB) to everything else.
 */
export const MAX_UNSENT_BYTES = 64_000_000

/** What a frame that waits takes besides its bytes: stream, callback and list entries of Node and `ws` (measured: some 400 bytes). */
export const UNSENT_FRAME_BYTES = 500

/**
 * What is held of what one client said: what it may send at once (see `SOCKET_BYTES`), at two bytes a character while it waits to be
 * sent on, and 100 channels with several filters each.
 */
export const MAX_HELD_BYTES_PER_SOCKET = 24_000_000

/**
 * The same of all clients together. Ten thousand sockets with three channels of two bindings take 100 MB as they are counted
 * here, and the heap that `npm start` allows is 512 MB.
 */
export const MAX_HELD_BYTES = 160_000_000

/** Frames that wait behind a join or a token that is being verified. */
export const MAX_WAITING_FRAMES = 1_000

/** Supabase's default for a project is 100 events a second; a phone sends one position a second. */
export const MAX_FRAMES_PER_SECOND = 500

/** Bytes that a client sends: two frames of the largest size at once, then 1 MB a second. An app sends some hundred bytes a second. */
export const SOCKET_BYTES: Rate = { perSecond: 1_000_000, burst: 10_500_000 }

/**
 * Joins about which the database is asked (private channels, changes of tables): all channels of a socket at once when it
 * reconnects, then as many as a person can cause. Public channels cost nothing.
 */
export const SOCKET_QUESTIONS: Rate = { perSecond: 10, burst: 200 }

/** The same of one address comes in bursts, too: of so many seconds at once. */
export const QUESTIONS_BURST_SECONDS = 10

/** Frames from this size on are counted for their address, too: each takes milliseconds of everybody's time to parse. */
export const LARGE_FRAME_BYTES = 64_000

/** Bytes of such frames, and of messages by HTTP, of one address: as one socket at its own limit. */
export const ADDRESS_LARGE_FRAMES: Rate = { perSecond: 1_000_000, burst: 10_500_000 }

/** The same of all addresses: JSON that is made to be slow takes some 40 ms to parse for each megabyte, so this is a sixth of a core. */
export const ALL_LARGE_FRAMES: Rate = { perSecond: 4_000_000, burst: 42_000_000 }

/**
 * What clients of one address cause to be sent: one for each listener of a broadcast or a presence, and one more for each 16 kB of
 * it. A thousand guards who send their positions once a second to ten listeners each cause half of it; the process sends some
 * 100,000 a second.
 */
export const ADDRESS_DELIVERIES: Rate = { perSecond: 20_000, burst: 60_000 }
export const DELIVERY_BYTES = 16_000

/**
 * Deliveries of what clients say to each other until the process looks at what else there is to do. One takes 10 to 60 µs, so
 * whatever comes meanwhile waits for a few milliseconds at most.
 */
export const FAN_OUT_DELIVERIES = 64

/** New sockets come in bursts: all tabs of an office after a restart. Of so many seconds at once. */
export const OPENINGS_BURST_SECONDS = 4

/** Questions about rights that are with the database at once: few, so that connections are left for what callers wait for. */
export const RIGHTS_AT_ONCE = 2

/** Questions of one address that wait: what a socket may ask at once, several times. */
export const MAX_WAITING_RIGHTS = 1_000

/** Distinct keys in the presence of one topic: the state is sent whole to everybody who joins. */
export const MAX_PRESENCE_KEYS = 1_000

/** The state of one topic, as JSON text: everybody who joins is sent all of it. A thousand people with a name and a position each. */
export const MAX_PRESENCE_STATE_BYTES = 1_000_000

/** Rights on private channels are looked up again this often; changes that Muster knows of are told at once. */
export const RIGHTS_MAX_AGE_MS = 60_000

/** Messages of one request to the broadcast route. */
export const MAX_HTTP_MESSAGES = 100

/** Messages of all requests to it that wait for their rights, as text: sixteen of the largest bodies. */
export const MAX_HTTP_HELD_BYTES = 16_000_000
