/**
 * Why a target was missed, from profiles: shown only while it is.
 */
export const REMARKS: readonly { path: string; reference: string | null; text: string }[] = []
