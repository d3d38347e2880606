/** `npm run trial -- <name>`: what takes minutes, and is judged by figures. The suite runs the same at a small size. */
const TRIALS = {
  storm: () => import('./storm-trial.ts'),
}

const isTrial = (name: string): name is keyof typeof TRIALS => Object.hasOwn(TRIALS, name)

const [name = '', ...args] = process.argv.slice(2)
if (isTrial(name)) {
  const { run } = await TRIALS[name]()
  process.exitCode = (await run(args)) ? 0 : 1
} else {
  console.log('npm run trial -- NAME [options]\n')
  for (const load of Object.values(TRIALS)) console.log(`  ${(await load()).SUMMARY}`)
  process.exitCode = name === '' ? 0 : 1
}
