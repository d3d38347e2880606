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
