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
 * What is held of what one client said: a frame of the largest size that is coming in, another one that waits, and 100 channels with
 * several filters each.
 */
export const MAX_HELD_BYTES_PER_SOCKET = 16_000_000

/**
 * The same of all clients together. Ten thousand sockets with three channels of two bindings take 100 MB as they are counted
 * here, and the heap that `npm start` allows is 512 MB.
 */
export const MAX_HELD_BYTES = 160_000_000

/** What a channel, a binding and a frame that waits take besides the text in them: generous, so that what is counted is a bound. */
export const CHANNEL_BYTES = 1_000
export const BINDING_BYTES = 1_000
export const WAITING_FRAME_BYTES = 500

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

/** New sockets come in bursts: all tabs of an office after a restart. Of so many seconds at once. */
export const OPENINGS_BURST_SECONDS = 4

/** Questions about rights that are with the database at once: few, so that connections are left for what callers wait for. */
export const RIGHTS_AT_ONCE = 2

/** Questions of one address that wait: what a socket may ask at once, several times. */
export const MAX_WAITING_RIGHTS = 1_000

/** Distinct keys in the presence of one topic: the state is sent whole to everybody who joins. */
export const MAX_PRESENCE_KEYS = 1_000

/** The JSON of one `track`. */
export const MAX_PRESENCE_BYTES = 16_384

/** The state of one topic, as JSON text: everybody who joins is sent all of it. A thousand people with a name and a position each. */
export const MAX_PRESENCE_STATE_BYTES = 1_000_000

/** Rights on private channels are looked up again this often; changes that Muster knows of are told at once. */
export const RIGHTS_MAX_AGE_MS = 60_000

/** Messages of one request to the broadcast route. */
export const MAX_HTTP_MESSAGES = 100

/** Messages of all requests to it that wait for their rights, as text: sixteen of the largest bodies. */
export const MAX_HTTP_HELD_BYTES = 16_000_000

/** Each process says that it is there this often: one small NOTIFY. */
export const BUS_HEARTBEAT_MS = 2_000

/**
 * A process that is not heard of for this long is gone, and with it those who are present there. Four heartbeats: a process that
 * collects garbage or waits for a slow database for some seconds is not.
 */
export const BUS_PEER_TIMEOUT_MS = 8_000

/** Processes of one database. Each has its replication slot, of which a server has ten by default. */
export const MAX_BUS_PEERS = 64

/** What waits to be sent to the other processes: some seconds of what a database carries. More is dropped, and said. */
export const MAX_BUS_QUEUED_BYTES = 32_000_000

/** Sent with one statement: some forty packets. */
export const MAX_BUS_BATCH_BYTES = 250_000

/** The largest frame, or the largest part of a state of presences (200 of 16 KiB), and what is said of it. */
export const MAX_BUS_MESSAGE_BYTES = 6_000_000

/** The server's queue of notifications (8 GB, of all databases together) is filled by the bus up to this share. */
export const MAX_NOTIFY_QUEUE_SHARE = 0.25
