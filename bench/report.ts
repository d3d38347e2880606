import { availableParallelism, cpus, totalmem } from 'node:os'
import type { PathResult, Plan, Row } from './bench.ts'
import type { Cluster } from './cluster.ts'
import { cpuOf, type Measured } from './measure.ts'
import type { Options } from './options.ts'

/** What belongs to one path of the benchmark. */
type Of<T> = T & { part: string }

/** All of a run, or of several that were put together, as `bench/results/latest.json` has it. */
export interface Report {
  /** When the newest of its parts ended. */
  at: string
  machine: string
  /** Missing where references opened their sessions within each turn, and so were slower than they are. */
  references?: 'warm'
  options: Pick<Options, 'scale' | 'rounds' | 'seconds' | 'memoryMinutes'>
  rows: Of<Row>[]
  measured: Of<{ path: string; contenders: Measured[] }>[]
  plans: Of<Plan>[]
}

export const emptyReport = (machine: string, options: Report['options']): Report => ({
  at: '',
  machine,
  references: 'warm',
  options,
  rows: [],
  measured: [],
  plans: [],
})

/**
 * What was found anew in the place of what was known of the same path.
 *
 * @param order of the paths, which the report keeps
 */
export function addPart(report: Report, part: string, result: PathResult, order: readonly string[]): Report {
  const merge = <T>(known: readonly Of<T>[], found: readonly T[]): Of<T>[] =>
    [...known.filter((item) => item.part !== part), ...found.map((item) => ({ ...item, part }))].sort(
      (one, other) => order.indexOf(one.part) - order.indexOf(other.part),
    )
  return {
    ...report,
    at: new Date().toISOString(),
    rows: merge(report.rows, result.rows),
    measured: merge(report.measured, result.measured),
    plans: merge(report.plans, result.plans ?? []),
  }
}

const BYTES_PER_GIB = 1024 ** 3

/** What the figures depend on, and nothing that tells whose machine it is. */
export function describeMachine(cluster: Pick<Cluster, 'version'>): string {
  return [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown CPU'})`,
    `${Math.round(totalmem() / BYTES_PER_GIB)} GiB`,
    `${process.platform} ${process.arch}`,
    `Node ${process.versions.node}`,
    cluster.version,
  ].join(', ')
}

/** Three digits say all that such a measurement knows. */
export function spell(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  const magnitude = Math.abs(value)
  if (magnitude >= 100) return Math.round(value).toLocaleString('en-US')
  if (magnitude >= 10) return value.toFixed(1)
  if (magnitude >= 1) return value.toFixed(2)
  return value === 0 ? '0' : value.toPrecision(2)
}

export const verdict = (met: boolean | null): string => (met === null ? '' : met ? 'met' : 'missed')

export const ROW_HEADINGS = ['path', 'metric', 'value', 'reference', 'ratio', 'target', '']

/** Short turns on few data show that all works, and hardly what it costs: said beside each ratio. */
const FOR_SOUNDNESS = ' (for soundness)'

/** A line under `ROW_HEADINGS`. @param isQuick it was measured for soundness alone */
export const spellRow = (row: Row, isQuick = false): string[] => [
  row.path,
  row.metric,
  spell(row.value),
  row.reference ? `${spell(row.reference.value)} ${row.reference.name}` : '',
  row.ratio === null ? '' : `${spell(row.ratio)}${isQuick ? FOR_SOUNDNESS : ''}`,
  row.target ?? '',
  verdict(row.met),
]

export const MEASURED_HEADINGS = [
  'path',
  'who',
  'requests/s',
  'p50 ms',
  'p95 ms',
  'p99 ms',
  'service CPU ms',
  'database CPU ms',
  'CPU ms',
]

/** A line under `MEASURED_HEADINGS`. */
export const spellMeasured = (path: string, contender: Measured): string[] => [
  path,
  contender.name,
  spell(contender.requests_per_second),
  spell(contender.p50_ms),
  spell(contender.p95_ms),
  spell(contender.p99_ms),
  spell(contender.service_cpu),
  spell(contender.database_cpu),
  spell(cpuOf(contender)),
]

/** @param isQuick it was measured for soundness alone */
export function toTable({ rows, measured, machine }: Report, isQuick: boolean): string {
  return [
    align([ROW_HEADINGS, ...rows.map((row) => spellRow(row, isQuick))]),
    align([
      MEASURED_HEADINGS,
      ...measured.flatMap(({ path, contenders }) =>
        contenders.map((contender) => spellMeasured(path, contender)),
      ),
    ]),
    machine,
  ].join('\n\n')
}

function align(lines: readonly string[][]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
