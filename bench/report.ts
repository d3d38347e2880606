import { cpus, totalmem } from 'node:os'
import type { Row } from './bench.ts'
import type { Cluster } from './cluster.ts'
import type { Measured } from './measure.ts'
import type { Options } from './options.ts'

/** All of a run, as `bench/results/latest.json` has it. */
export interface Report {
  at: string
  options: Options
  machine: string
  peak_memory_mb: number
  minutes: number
  rows: Row[]
  measured: { path: string; contenders: Measured[] }[]
}

const BYTES_PER_GIB = 1024 ** 3

/** What the figures depend on, and nothing that tells whose machine it is. */
export function describeMachine(cluster: Pick<Cluster, 'version'>): string {
  const all = cpus()
  return [
    `${all.length} × ${all[0]?.model.trim() ?? 'unknown CPU'}`,
    `${Math.round(totalmem() / BYTES_PER_GIB)} GiB`,
    `${process.platform} ${process.arch}`,
    `Node ${process.versions.node}`,
    cluster.version,
  ].join(', ')
}

/** Three digits say all that such a measurement knows. */
export function spell(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const magnitude = Math.abs(value)
  if (magnitude >= 100) return Math.round(value).toLocaleString('en-US')
  if (magnitude >= 10) return value.toFixed(1)
  if (magnitude >= 1) return value.toFixed(2)
  return value === 0 ? '0' : value.toPrecision(2)
}

export const verdict = (met: boolean | null): string => (met === null ? '' : met ? 'met' : 'missed')

/** Path, metric, value, reference, ratio, target, verdict. */
export const spellRow = (row: Row): string[] => [
  row.path,
  row.metric,
  spell(row.value),
  row.reference ? `${spell(row.reference.value)} ${row.reference.name}` : '',
  row.ratio === null ? '' : spell(row.ratio),
  row.target ?? '',
  verdict(row.met),
]

export function toTable({ rows, measured, peak_memory_mb, machine, minutes }: Report): string {
  return [
    align([['path', 'metric', 'value', 'reference', 'ratio', 'target', ''], ...rows.map(spellRow)]),
    align([
      ['path', 'who', 'requests/s', 'p50 ms', 'p95 ms', 'p99 ms', 'API CPU s/1000', 'database CPU s/1000'],
      ...measured.flatMap(({ path, contenders }) =>
        contenders.map((contender) => [
          path,
          contender.name,
          spell(contender.requests_per_second),
          spell(contender.p50_ms),
          spell(contender.p95_ms),
          spell(contender.p99_ms),
          spell(contender.service_cpu ?? Number.NaN),
          spell(contender.database_cpu ?? Number.NaN),
        ]),
      ),
    ]),
    `Peak memory of the service: ${peak_memory_mb} MB. ${machine}. ${spell(minutes)} minutes.`,
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
