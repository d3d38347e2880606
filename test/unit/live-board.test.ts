import { beforeEach, describe, expect, it } from 'vitest'
import { Board } from '../../src/guarding/live/board.js'
import { flagsText } from '../../src/guarding/live/words.js'

const HOUR_MS = 3_600_000
const NOW = Date.parse('2026-11-22T12:00:00Z')
const PERIOD = { from: NOW - 48 * HOUR_MS, to: NOW + 48 * HOUR_MS }

type Row = Record<string, unknown>

const shift = (id: string, more: Row = {}): Row => ({
  id,
  location_id: 'dam',
  professional_id: null,
  status: 'published',
  start_datetime: '2026-11-22T20:00:00+00:00',
  end_datetime: '2026-11-23T04:00:00+00:00',
  time_zone: 'Europe/Amsterdam',
  title: 'Night watch',
  ...more,
})
const dam = {
  id: 'dam',
  name: 'Dam',
  address: 'Dam 1',
  radius_meters: 100,
  latitude: 52.3731,
  longitude: 4.8926,
}
const checkIn = (shiftId: string, recorded_at: string, more: Row = {}): Row => ({
  id: recorded_at,
  shift_id: shiftId,
  kind: 'ping',
  verdict: 'inside',
  distance_meters: 6.5,
  recorded_at,
  ...more,
})
const changed = (table: string, record: Row) => ({
  table,
  type: 'UPDATE' as const,
  record,
  old: { id: record.id },
})
const removed = (table: string, id: string) => ({ table, type: 'DELETE' as const, record: {}, old: { id } })

describe('what the page at /live knows', () => {
  let board: Board
  beforeEach(() => {
    board = new Board()
    board.beginReading(PERIOD)
    board.finishReading({ shifts: [shift('a'), shift('b')], locations: [dam], incidents: [] })
  })
  const statuses = () => Object.fromEntries(board.list().map(({ id, status }) => [id, status]))

  it('tells what changed in words, with the name of the site', () => {
    expect(board.apply(changed('shifts', shift('a', { status: 'assigned' })))).toEqual({
      id: 'a',
      text: 'Night watch at Dam: open, now assigned.',
      isQuiet: false,
    })
    expect(board.apply(changed('shifts', shift('c')))?.text).toBe('Night watch at Dam: new, open.')
    expect(board.apply(removed('shifts', 'c'))?.text).toBe('Night watch at Dam was removed.')
    expect(statuses()).toEqual({ a: 'assigned', b: 'published' })
  })

  it('keeps what a person should look at in the hours of a shift, until somebody else has it', () => {
    const assignment = (more: Row): Row => ({ id: 'x', shift_id: 'a', ended_as: null, flags: [], ...more })
    expect(board.apply(changed('assignments', assignment({ flags: ['conflict', 'late'] })))).toBeNull()
    expect(flagsText(board.flags.get('a')!)).toBe('events contradict each other, late')
    board.apply(changed('assignments', assignment({ ended_as: 'released', flags: ['conflict'] })))
    expect(board.flags.get('a')).toBeUndefined()
    expect(board.apply(changed('shifts', shift('a', { status: 'no_show' })))?.text).toBe(
      'Night watch at Dam: open, now nobody came.',
    )
  })

  it('believes events over a list that was being read when they came', () => {
    board.beginReading(PERIOD)
    board.apply(changed('shifts', shift('a', { status: 'assigned' })))
    board.apply(changed('shifts', shift('new')))
    board.apply(removed('shifts', 'b'))
    board.finishReading({ shifts: [shift('a'), shift('b')], locations: [dam], incidents: [] })
    expect(statuses()).toEqual({ a: 'assigned', new: 'published' })
  })

  it('believes the list over events from before it was read', () => {
    board.apply(changed('shifts', shift('a', { status: 'assigned' })))
    board.beginReading(PERIOD)
    board.finishReading({ shifts: [shift('a', { status: 'active' })], locations: [dam], incidents: [] })
    expect(statuses()).toEqual({ a: 'active' })
  })

  it('keeps what it knows when a reading fails', () => {
    board.beginReading(PERIOD)
    board.abandonReading()
    expect(statuses()).toEqual({ a: 'published', b: 'published' })
  })

  it('leaves out shifts of other days, and follows those it has wherever they move', () => {
    const later = { start_datetime: '2026-12-24T20:00:00+00:00' }
    expect(board.apply(changed('shifts', shift('far', later)))).toBeNull()
    board.apply(changed('shifts', shift('a', later)))
    expect(statuses()).toEqual({ a: 'published', b: 'published' })
  })

  it('reads the place of a shift from an event', () => {
    // What PostGIS prints for st_point(4.8926, 52.3731)::geography.
    const location_point = '0101000020E61000006EA301BC059213409D11A5BDC12F4A40'
    board.apply(changed('shifts', shift('a', { location_point })))
    expect(board.shifts.get('a')?.place).toEqual({ latitude: 52.3731, longitude: 4.8926 })
  })

  it('keeps a long text that an update did not touch', () => {
    board.apply(changed('shifts', shift('a', { instructions: 'x' })))
    board.apply(changed('shifts', shift('a', { status: 'assigned' })))
    expect(board.shifts.get('a')).toMatchObject({ instructions: 'x', status: 'assigned' })
  })

  it('has the newest check-in by the clock of the device, in whatever order they come', () => {
    board.apply({ ...changed('gps_checkins', checkIn('a', '2026-11-22T12:05:00.1+00:00')), type: 'INSERT' })
    const late = board.apply({
      ...changed('gps_checkins', checkIn('a', '2026-11-22T12:00:00+00:00', { kind: 'clock_in' })),
      type: 'INSERT',
    })
    expect(late).toMatchObject({
      text: 'Clock-in for Night watch at Dam: inside, 7 m from the site.',
      isQuiet: false,
    })
    expect(board.checkIns.get('a')?.recorded_at).toBe('2026-11-22T12:05:00.1+00:00')
    expect(board.apply(changed('gps_checkins', checkIn('unknown', '2026-11-22T12:00:00Z')))).toBeNull()
  })

  it('has positions of active shifts alone, and only real places', () => {
    const position = { latitude: 52.37, longitude: 4.89, accuracy_meters: 8 }
    board.applyPosition('a', position, NOW)
    expect(board.positions.size).toBe(0)
    board.apply(changed('shifts', shift('a', { status: 'active' })))
    for (const wrong of [
      {},
      { latitude: '52', longitude: 4 },
      { latitude: 152, longitude: 4 },
      { latitude: NaN, longitude: 4 },
    ]) {
      board.applyPosition('a', wrong, NOW)
    }
    expect(board.positions.size).toBe(0)
    board.applyPosition('a', { ...position, accuracy_meters: 'no' }, NOW)
    expect(board.positions.get('a')).toEqual({
      place: { latitude: 52.37, longitude: 4.89 },
      accuracyMeters: null,
      at: NOW,
    })
    board.apply(changed('shifts', shift('a', { status: 'completed' })))
    expect(board.positions.size).toBe(0)
  })

  it('has incidents until they are resolved', () => {
    const incident = (status: string) =>
      changed('incidents', {
        id: 'i',
        shift_id: 'a',
        category: 'theft',
        severity: 'high',
        status,
        occurred_at: '2026-11-22T12:00:00Z',
      })
    expect(board.apply(incident('open'))?.text).toBe('Incident at Night watch at Dam: theft, severity high.')
    expect(board.apply(incident('open'))).toBeNull()
    expect(board.incidentsOf('a')).toHaveLength(1)
    board.apply(incident('resolved'))
    expect(board.incidentsOf('a')).toHaveLength(0)
  })

  it('lists active shifts first, then by start', () => {
    board.apply(changed('shifts', shift('c', { start_datetime: '2026-11-22T10:00:00+00:00' })))
    board.apply(changed('shifts', shift('b', { status: 'active' })))
    board.apply(changed('shifts', shift('d', { status: 'cancelled' })))
    expect(board.list().map(({ id }) => id)).toEqual(['b', 'c', 'a', 'd'])
  })
})
