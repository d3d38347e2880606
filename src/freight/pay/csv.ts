import type { DriverStatement } from './schemas.ts'

const COLUMNS = [
  'id',
  'number',
  'driver_id',
  'first_day',
  'last_day',
  'currency',
  'gross',
  'deductions',
  'net',
  'carried_in',
  'payable',
  'carried_out',
  'status',
] as const satisfies readonly (keyof DriverStatement)[]

/** RFC 4180. No column is free text, so nothing needs quotes, and no spreadsheet takes a value for a formula. */
export function toCsv(items: readonly DriverStatement[]): string {
  const rows = items.map((item) => COLUMNS.map((name) => item[name]).join(','))
  return [COLUMNS.join(','), ...rows, ''].join('\r\n')
}
