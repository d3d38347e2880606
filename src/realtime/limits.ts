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
