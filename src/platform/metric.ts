/** One value of a metric, and what it is of: `{ pool: 'api' }`. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/**
 * What `/metrics` prints under one name. Labels get their values from lists in the code, or from the database's catalog: never from
 * a request, because each value is kept by Prometheus as a series of its own.
 */
export interface Metric {
  /** As Prometheus has it: `muster_…`, the unit, and `_total` for what only grows. */
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge'
  readonly labels: readonly string[]
  /** Called when somebody asks for the metrics. Nothing for what is not known now. */
  read(): Iterable<Sample> | Promise<Iterable<Sample>>
}

/** A metric that is read from what somebody keeps anyway. */
export const gauge = (
  name: string,
  help: string,
  read: Metric['read'],
  labels: readonly string[] = [],
): Metric => ({ name, help, kind: 'gauge', labels, read })

/** The same of something that only grows while the process lives. */
export const counter = (...of: Parameters<typeof gauge>): Metric => ({ ...gauge(...of), kind: 'counter' })

/** Values of a label for which a tally has no list: more than PostgreSQL has SQLSTATEs that one meets. The others count as `other`. */
export const MAX_VALUES = 200
export const OTHER = 'other'

/** Counts events by one label, since the process started: an addition in memory, whether or not anybody asks for it. */
export class Tally implements Metric {
  readonly kind = 'counter'
  readonly name: string
  readonly help: string
  readonly labels: readonly [string]
  readonly #counts = new Map<string, number>()
  readonly #isListed: boolean

  /** @param values all that there are: they are printed from the start, so that their first event is seen as an increase */
  constructor(name: string, help: string, label: string, values: readonly string[] = []) {
    this.name = name
    this.help = help
    this.labels = [label]
    this.#isListed = values.length > 0
    for (const value of values) this.#counts.set(value, 0)
  }

  add(value: string, count = 1): void {
    const known = this.#counts.get(value)
    if (known !== undefined) this.#counts.set(value, known + count)
    else if (!this.#isListed && this.#counts.size < MAX_VALUES) this.#counts.set(value, count)
    else this.#counts.set(OTHER, (this.#counts.get(OTHER) ?? 0) + count)
  }

  read(): Sample[] {
    return [...this.#counts].map(([label, value]) => ({ labels: { [this.labels[0]]: label }, value }))
  }
}
