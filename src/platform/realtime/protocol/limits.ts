/** What a channel, a binding and a frame that waits take besides the text in them: generous, so that what is counted is a bound. */
export const CHANNEL_BYTES = 1_000
export const BINDING_BYTES = 1_000
export const WAITING_FRAME_BYTES = 500

/** The JSON of one `track`. */
export const MAX_PRESENCE_BYTES = 16_384
