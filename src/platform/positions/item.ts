import { z } from 'zod'
import { instantAs, latitude, longitude, uuid } from '../http/fields.ts'

/* What a phone reports of where it was and when: each trade adds what the position is about. */

/** PostgreSQL keeps microseconds. */
const FRACTION_DIGITS = 6

/**
 * Converts an RFC 3339 instant to a form that PostgreSQL accepts: UTC (PostgreSQL refuses offsets of 16 hours and more,
 * which the grammar allows), with the fraction truncated to microseconds (PostgreSQL refuses texts over 128 characters,
 * and would round `.9999999` up to the next second).
 */
export function toMicroseconds(time: string): string {
  const seconds = new Date(Math.floor(Date.parse(time) / 1000) * 1000).toISOString().slice(0, -'.000Z'.length)
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? ''
  return `${seconds}.${fraction.slice(0, FRACTION_DIGITS).padEnd(FRACTION_DIGITS, '0')}Z`
}

/** A phone that records every 30 seconds fills one batch in 8 hours without a network. */
export const MAX_BATCH_ITEMS = 1_000

/**
 * An item takes some 280 bytes, and up to 450 indented and with all the digits that a double has: this fits the largest
 * batch whatever the service's general limit (`BODY_LIMIT_BYTES`) is.
 */
export const BATCH_BODY_LIMIT_BYTES = MAX_BATCH_ITEMS * 1_024

/**
 * The members that every position has.
 *
 * @param noun what an item is called in the API's description
 */
export const positionMembers = (noun: string) => ({
  id: uuid.meta({
    description: `The id of the ${noun}, which the device generates once. It makes repeated requests idempotent.`,
  }),
  latitude,
  longitude,
  accuracy_meters: z
    .number()
    .positive()
    .meta({
      description: `The accuracy that the device reports for the position: the radius of the 95 % confidence circle, in meters (W3C Geolocation). Over 100 m the ${noun} is flagged \`imprecise\`; over 1,000 m it is evidence and moves nothing.`,
    }),
  recorded_at: instantAs(toMicroseconds).meta({
    description: `When the ${noun} was recorded, by the clock of the device: RFC 3339, with any number of fractional digits.`,
    examples: ['2026-03-28T22:16:45.0249Z'],
  }),
})
