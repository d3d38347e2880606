import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { run as runStorm, SUMMARY as STORM } from '../test/trials/storm-trial.ts'

/*
 * A trial is a test at full size: `.ci/run` runs the same code small. See test/support/trial.ts.
 */

/** `test` names the one of its file; without it the whole file runs. */
const TRIALS: Readonly<Record<string, { file: string; test?: string; summary: string }>> = {
  'hostile-frames': {
    file: 'test/realtime/hostile-frames.test.ts',
    summary: '10,000 hostile frames beside clients that work',
  },
  'local-copy': {
    file: 'test/realtime/local-copy.test.ts',
    summary: 'local copies through 20 interruptions while shifts are written',
  },
  'local-copy-kill': {
    file: 'test/realtime/local-copy.server.test.ts',
    summary: 'a local copy while the service is killed 10 times',
  },
  'changes-race': {
    file: 'test/realtime/changes-race.server.test.ts',
    summary: '20,000 inserts on busy processors, none lost and none told twice',
  },
  mutants: {
    file: 'test/rules/access-mutants',
    summary:
      'each policy and each condition about access broken in turn: writes down which cell of the matrix turns red',
  },
  model: {
    file: 'test/rules/model.test.ts',
    summary: '10,000 random operations on the database and on a model of it',
  },
  races: {
    file: 'test/rules/races.server.test.ts',
    summary: 'storms of 10 s of everything that may race',
  },
  'freight-races': {
    file: 'test/rules/freight-races.server.test.ts',
    summary: 'a storm of 20 s of assignments of five drivers and five trucks',
  },
  'changes-mutants': {
    file: 'test/realtime/changes-access.server.test.ts',
    summary:
      'each published table with its policy gone, open, shut and not in force: who is told of changes turns red',
  },
  kill: {
    file: 'test/rules/kill.server.test.ts',
    summary:
      'the service, its server and one session killed 10 times each under load: nothing acknowledged is lost',
  },
  'freight-pay': {
    file: 'test/api/freight-pay.test.ts',
    test: 'adds up to the cent',
    summary: '1,500 random deliveries, payments, deductions and settlements against a model of whole cents',
  },
  'freight-pay-races': {
    file: 'test/rules/freight-pay-races.server.test.ts',
    summary: '8 clients, 500 acts each: settle, deliver, correct and add at once',
  },
  hours: {
    file: 'test/rules/hours.test.ts',
    summary:
      '2,000 sets of clock events and 10,000 steps with corrections against the model, all 720 orders of six and 500 of nine',
  },
  'hours-of-service': {
    file: 'test/rules/hours-of-service.test.ts',
    summary:
      '10,000 random logs of drivers: the hours left by the database and by a program written from the regulations',
  },
  timesheets: {
    file: 'test/rules/timesheets.test.ts',
    summary:
      '10,000 steps of events, corrections, approvals and disputes against the model, and 1,000 shifts with allowances',
  },
  payouts: {
    file: 'test/rules/payouts.test.ts',
    summary:
      '2,000 statements through a provider that loses, repeats and shuffles: the ledger and the database agree',
  },
  'payouts-kill': {
    file: 'test/rules/payouts-kill.server.test.ts',
    summary:
      'the worker of payouts killed 200 times, at every step: nothing is paid twice, and nothing forgotten',
  },
  'checkins-order': {
    file: 'test/api/checkins-order.test.ts',
    summary: '500 sets of check-ins, each in random order, batches and repetition',
  },
  'sign-in-guesses': {
    file: 'test/api/sign-in-attacks.test.ts',
    test: 'few are judged',
    summary: '10,000 guesses of passwords at 100 addresses, from one network and from many',
  },
  'sign-in-timing': {
    file: 'test/api/sign-in-attacks.test.ts',
    test: 'cannot be told by the time',
    summary: 'how long requests with an address take that somebody has, and with one that nobody has',
  },
}

const usage = (): string =>
  [
    'Usage: npm run trial -- <name> [--seed <number>] [--engine server|embedded]',
    ...Object.entries(TRIALS).map(([name, { summary }]) => `  ${name.padEnd(18)}${summary}`),
    `  ${STORM}`,
  ].join('\n')

if (process.argv[2] === 'storm') {
  process.exit((await runStorm(process.argv.slice(3))) ? 0 : 1)
}
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, engine: { type: 'string' } },
})
const trial = TRIALS[positionals[0] ?? '']
if (!trial || positionals.length > 1) {
  console.error(usage())
  process.exit(2)
}
/** Some of them run alone in the suite, on a server. */
const PROJECTS: Record<string, readonly string[]> = { server: ['server', 'storms'] }
const project = values.engine
  ? (PROJECTS[values.engine] ?? [values.engine]).flatMap((name) => ['--project', name])
  : []
const only = trial.test ? ['--testNamePattern', trial.test] : []
const child = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...project, ...only, trial.file],
  {
    env: { ...process.env, TRIAL: 'whole', ...(values.seed && { TRIAL_SEED: values.seed }) },
    stdio: 'inherit',
  },
)
const [code] = await once(child, 'exit')
process.exitCode = code ?? 1
