import { parseArgs } from 'node:util'

export interface Options {
  /** Of the data: 1 is a national marketplace. */
  scale: number
  rounds: number
  /** How long one contender's turn lasts. */
  seconds: number
  /** How long the memory of the service is watched. */
  memoryMinutes: number
  /** The paths to run, in the order in which they are known. */
  paths: string[]
  quick: boolean
  /** The folder of another checkout to be measured beside this one, and nothing else is. */
  against: string | undefined
  /** Whether the service is compared with others of its kind, which must be installed for that. */
  peers: boolean
  help: boolean
  /** Nothing is measured: the page and the chart are written again from the published results. */
  render: boolean
}

/**
 * A turn is long enough that a garbage collection is a small part of it, there are enough of them for a median that a disturbed one
 * does not move, and all of it takes about twenty minutes, beside the time in which the memory is watched.
 */
const FULL = { scale: 1, rounds: 5, seconds: 2.5, memoryMinutes: 10 }
/** Whether everything works, on a tenth of the data: the figures are not worth much. */
const QUICK = { scale: 0.1, rounds: 1, seconds: 0.5, memoryMinutes: 0.05 }

export const USAGE = `npm run bench -- [options]

  --quick               all of it on a tenth of the data, in about two minutes: for soundness, not for figures
  --scale N             N times the data: 1 has 1,000,000 shifts (default ${FULL.scale})
  --path NAME           only this path; can be given several times
  --except NAME         all but this path; can be given several times
  --render              measures nothing: writes docs/performance.md and the chart again from bench/results/latest.json
  --against FOLDER      this checkout beside another one (with its node_modules): the same work in alternating turns
  --without-peers       compared with nothing that must be installed for it
  --rounds N            turns that each contender takes (default ${FULL.rounds})
  --seconds N           how long a turn lasts (default ${FULL.seconds})
  --memory-minutes N    how long the service's memory is watched (default ${FULL.memoryMinutes})

BENCH_DATABASE_URL      a superuser's, of a PostGIS server to use instead of one of our own
BENCH_DATA_DIR          where our own keeps its data (default .muster-bench)`

export class OptionsError extends Error {
  override name = 'OptionsError'
}

/** @throws OptionsError for what is no option, or no number. */
export function readOptions(given: readonly string[], knownPaths: readonly string[]): Options {
  const values = parse(given)
  const unknown = [...values.path, ...values.except].filter((name) => !knownPaths.includes(name))
  if (unknown.length > 0)
    throw new OptionsError(`No such path: ${unknown.join(', ')}. There are ${knownPaths.join(', ')}.`)
  const defaults = values.quick ? QUICK : FULL
  const number = (name: 'scale' | 'rounds' | 'seconds' | 'memory-minutes', otherwise: number): number => {
    const text = values[name]
    if (text === undefined) return otherwise
    const value = Number(text)
    if (!(value > 0 && Number.isFinite(value))) throw new OptionsError(`--${name} must be a number over 0.`)
    return value
  }
  return {
    quick: values.quick,
    peers: !values['without-peers'],
    against: values.against,
    help: values.help,
    render: values.render,
    scale: number('scale', defaults.scale),
    rounds: number('rounds', defaults.rounds),
    seconds: number('seconds', defaults.seconds),
    memoryMinutes: number('memory-minutes', defaults.memoryMinutes),
    paths: knownPaths.filter(
      (name) => (values.path.length === 0 || values.path.includes(name)) && !values.except.includes(name),
    ),
  }
}

/** Whether the figures of a run are worth to be published: parts of a full run are, quick and shortened ones are not. */
export const isFull = ({ quick, peers, against, ...options }: Options): boolean =>
  !quick &&
  against === undefined &&
  peers &&
  (Object.keys(FULL) as (keyof typeof FULL)[]).every((name) => options[name] === FULL[name])

function parse(given: readonly string[]) {
  try {
    return parseArgs({
      args: [...given],
      options: {
        quick: { type: 'boolean', default: false },
        scale: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        'memory-minutes': { type: 'string' },
        path: { type: 'string', multiple: true, default: [] },
        except: { type: 'string', multiple: true, default: [] },
        against: { type: 'string' },
        'without-peers': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        render: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new OptionsError(error instanceof Error ? error.message : 'Options that cannot be read.')
  }
}
