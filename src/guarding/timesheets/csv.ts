import type { Timesheet } from './schemas.ts'

const COLUMNS = [
  'id',
  'work_date',
  'state',
  'company_id',
  'client_id',
  'shift_id',
  'professional_id',
  'start_datetime',
  'end_datetime',
  'time_zone',
  'worked_seconds',
  'break_seconds',
  'paid_seconds',
  'total',
  'currency',
  'flags',
  'approved_at',
  'locked_at',
] as const satisfies readonly (keyof Timesheet)[]

/** RFC 4180. No column is free text, so nothing needs quotes, and no spreadsheet takes a value for a formula. */
export function toCsv(items: readonly Timesheet[]): string {
  const rows = items.map((item) =>
    COLUMNS.map((name) => {
      const value = item[name]
      return Array.isArray(value) ? value.join(' ') : (value ?? '')
    }).join(','),
  )
  return [COLUMNS.join(','), ...rows, ''].join('\r\n')
}
