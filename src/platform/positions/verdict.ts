/** Where a position is, measured against the radius of a place: see `muster.position_verdict`. */
export const VERDICTS = ['inside', 'outside', 'uncertain'] as const

/** What the accuracy of a position makes of it: see `muster.position_flags`. */
export const POSITION_FLAGS = ['evidence', 'imprecise'] as const
