/** What one socket may ask of the gateway. Each limit is far above what an app does, and below what would hurt others. */

/** A client sends a heartbeat every 25 s; one that is silent for this long (Phoenix's default) is gone. */
export const IDLE_TIMEOUT_MS = 60_000

/** Sockets are looked over together, so that ten thousand of them need one timer. */
export const SWEEP_INTERVAL_MS = 10_000

/** Unsent bytes after which a client is too slow: it is cut, reconnects, and reads anew. Kept small, as all share one memory. */
export const MAX_BUFFERED_BYTES = 8_000_000

/** Frames that wait behind a join or a token that is being verified. */
export const MAX_WAITING_FRAMES = 1_000

/** Supabase's default for a project is 100 events a second; a phone sends one position a second. */
export const MAX_FRAMES_PER_SECOND = 500

/** Sockets of one process: each holds some tens of kilobytes. */
export const MAX_SOCKETS = 10_000

/** Distinct keys in the presence of one topic: the state is sent whole to everybody who joins. */
export const MAX_PRESENCE_KEYS = 1_000

/** The JSON of one `track`. */
export const MAX_PRESENCE_BYTES = 16_384

/** Rights on private channels are looked up again this often; changes that Muster knows of are told at once. */
export const RIGHTS_MAX_AGE_MS = 60_000

/** Messages of one request to the broadcast route. */
export const MAX_HTTP_MESSAGES = 100

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
