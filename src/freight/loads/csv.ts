import type { Load } from './schemas.ts'

const COLUMNS = [
  'id',
  'reference',
  'status',
  'broker_id',
  'dispatcher_id',
  'starts_at',
  'ends_at',
  'rate',
  'currency',
  'distance',
  'distance_unit',
  'is_factored',
  'driver_ids',
] as const satisfies readonly (keyof Load)[]

/** RFC 4180. No column is free text, so nothing needs quotes, and no spreadsheet takes a value for a formula. */
export function toCsv(items: readonly Load[]): string {
  const rows = items.map((item) =>
    COLUMNS.map((name) => {
      const value = item[name]
      return Array.isArray(value) ? value.join(' ') : (value ?? '')
    }).join(','),
  )
  return [COLUMNS.join(','), ...rows, ''].join('\r\n')
}
