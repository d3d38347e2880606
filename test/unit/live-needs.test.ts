import { describe, expect, it } from 'vitest'
import { Board } from '../../src/guarding/live/board.js'
import { ABSENT_AFTER_MS, arrange, needsOf, UNCOVERED_AHEAD_MS } from '../../src/guarding/live/needs.js'

const MINUTE_MS = 60_000
const NOW = Date.parse('2026-11-22T22:00:00Z')
const at = (ms: number) => new Date(ms).toISOString()

type Row = Record<string, unknown>

const shift = (id: string, status: string, startsAfterMs: number, more: Row = {}): Row => ({
  id,
  location_id: 'dam',
  professional_id: null,
  status,
  start_datetime: at(NOW + startsAfterMs),
  end_datetime: at(NOW + startsAfterMs + 8 * 3_600_000),
  time_zone: 'Europe/Amsterdam',
  title: id,
  ...more,
})

function boardWith(
  shifts: Row[],
  { incidents = [], checkIns = [] }: { incidents?: Row[]; checkIns?: Row[] },
) {
  const board = new Board()
  board.beginReading({ from: NOW - 48 * 3_600_000, to: NOW + 48 * 3_600_000 })
  board.finishReading({ shifts, locations: [], incidents })
  for (const checkIn of checkIns) board.applyCheckIn(checkIn)
  return board
}
const incident = (shiftId: string, status: string, before = 0): Row => ({
  id: `${shiftId} ${status}`,
  shift_id: shiftId,
  category: 'theft',
  severity: 'high',
  status,
  occurred_at: at(NOW - before),
})
const checkIn = (shiftId: string, verdict: string, kind = 'ping'): Row => ({
  id: `${shiftId} ${verdict}`,
  shift_id: shiftId,
  kind,
  verdict,
  distance_meters: 850,
  recorded_at: at(NOW),
})

describe('what needs a person', () => {
  const kinds = (row: Row, more: { incidents?: Row[]; checkIns?: Row[] } = {}, now = NOW) => {
    const board = boardWith([row], more)
    return needsOf(board, board.shifts.get(String(row.id))!, now).map(({ kind, text }) => `${kind}: ${text}`)
  }

  it('is a guard who is late, and then not there at all', () => {
    const assigned = shift('a', 'assigned', 0)
    expect(kinds(assigned, {}, NOW - 1)).toEqual([])
    expect(kinds(assigned)).toEqual(['late: no clock-in, started 0 min ago'])
    expect(kinds(assigned, {}, NOW + ABSENT_AFTER_MS - 1)).toEqual(['late: no clock-in, started 14 min ago'])
    expect(kinds(assigned, {}, NOW + ABSENT_AFTER_MS)).toEqual(['absent: no clock-in, started 15 min ago'])
    expect(kinds(assigned, {}, NOW + 9 * 3_600_000)).toEqual(['absent: nobody clocked in'])
    expect(kinds(shift('a', 'active', 0))).toEqual([])
  })

  it('is a guard who checks in from elsewhere, whether the shift became active or not', () => {
    const outside = { checkIns: [checkIn('a', 'outside')] }
    expect(kinds(shift('a', 'active', -MINUTE_MS), outside)).toEqual(['outside: 850 m from the site'])
    expect(kinds(shift('a', 'assigned', -MINUTE_MS), outside)).toEqual(['outside: 850 m from the site'])
    expect(kinds(shift('a', 'assigned', MINUTE_MS), outside)).toEqual([])
    expect(kinds(shift('a', 'active', -MINUTE_MS), { checkIns: [checkIn('a', 'inside')] })).toEqual([])
    expect(
      kinds(shift('a', 'completed', -MINUTE_MS), { checkIns: [checkIn('a', 'outside', 'clock_out')] }),
    ).toEqual([])
  })

  it('is an incident that nobody acknowledged, whatever became of the shift', () => {
    expect(kinds(shift('a', 'completed', -MINUTE_MS), { incidents: [incident('a', 'open')] })).toEqual([
      'incident: theft, high',
    ])
    expect(kinds(shift('a', 'active', -MINUTE_MS), { incidents: [incident('a', 'acknowledged')] })).toEqual(
      [],
    )
  })

  it('is a shift without a guard that starts soon or has started', () => {
    expect(kinds(shift('a', 'published', UNCOVERED_AHEAD_MS))).toEqual([])
    expect(kinds(shift('a', 'published', 80 * MINUTE_MS))).toEqual([
      'uncovered: no guard, starts in 1 h 20 min',
    ])
    expect(kinds(shift('a', 'published', -5 * MINUTE_MS))).toEqual(['uncovered: no guard, started 5 min ago'])
    expect(kinds(shift('a', 'published', 0), {}, NOW + 9 * 3_600_000)).toEqual([])
    expect(kinds(shift('a', 'draft', 0))).toEqual([])
  })

  it('comes first: incidents, nobody there, outside, late, uncovered, and of each the longest waiting', () => {
    const board = boardWith(
      [
        shift('uncovered', 'published', MINUTE_MS),
        shift('planned', 'assigned', MINUTE_MS),
        shift('late', 'assigned', -MINUTE_MS),
        shift('later', 'assigned', -2 * MINUTE_MS),
        shift('outside', 'active', -MINUTE_MS),
        shift('absent', 'assigned', -ABSENT_AFTER_MS),
        shift('new incident', 'active', -MINUTE_MS),
        shift('old incident', 'active', -MINUTE_MS),
        shift('on duty', 'active', -MINUTE_MS),
      ],
      {
        incidents: [incident('new incident', 'open', 1), incident('old incident', 'open', MINUTE_MS)],
        checkIns: [checkIn('outside', 'outside'), checkIn('new incident', 'outside')],
      },
    )
    const { urgent, others } = arrange(board, board.list(), NOW)
    expect(urgent.map(({ shift: { id } }) => id)).toEqual([
      'old incident',
      'new incident',
      'absent',
      'outside',
      'later',
      'late',
      'uncovered',
    ])
    expect(urgent[1]?.needs.map(({ kind }) => kind)).toEqual(['incident', 'outside'])
    expect(others.map(({ shift: { id } }) => id)).toEqual(['on duty', 'planned'])
  })
})
