import type { StatementDetail, StatementLine } from './schemas.ts'

const COLUMNS = [
  'position',
  'work_date',
  'kind',
  'seconds',
  'rate',
  'factor',
  'amount',
  'currency',
  'explanation',
  'timesheet_id',
  'id',
] as const satisfies readonly (keyof StatementLine)[]

/** RFC 4180: one row for each line. Only the database writes explanations, so no spreadsheet takes one for a formula. */
export function toCsv({ lines }: StatementDetail): string {
  const rows = lines.map((line) => COLUMNS.map((name) => field(line[name])).join(','))
  return [COLUMNS.join(','), ...rows, ''].join('\r\n')
}

function field(value: string | number): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
