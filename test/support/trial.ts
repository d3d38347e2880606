/** Whether a trial runs whole: `npm run trial -- <name>`. In the suite the same code runs at small size. */
export const IS_WHOLE = process.env.TRIAL === 'whole'

/** @returns the size for the suite, or for a trial of its own. */
export const trialSize = (inSuite: number, whole: number): number => (IS_WHOLE ? whole : inSuite)

/** What a trial's chance starts from: `TRIAL_SEED`, or another one each time. Printed, so that a run that failed can be played again. */
export function trialSeed(): number {
  const seed = Number(process.env.TRIAL_SEED ?? Math.floor(Math.random() * 2 ** 32))
  console.log(`TRIAL_SEED=${seed}`)
  return seed
}
