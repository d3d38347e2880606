/** Reasons why no cell of the access matrix can notice a mutant, of several resources. */

/** The policies of whoever writes hide a deleted row anyway: these triggers run as the caller. */
export const HIDDEN_ANYWAY = 'Runs as the caller, whose policies hide what is deleted.'
export const OTHER_WORDS = 'Refused all the same, in other words.'
export const NO_TENANT = 'Without a tenant no insert policy takes the row: refused in other words.'
/** The matrix closes no period. */
export const CLOSES_NOTHING = 'No period can be closed then: pay-periods.server.test.ts does.'
