import { z } from 'zod'
import { MAX_PAGE_SIZE } from '../db/sql.ts'

/** PostgreSQL cannot hold NUL in text; everything else that Unicode has is fine. */
const NUL = String.fromCharCode(0)

/** Text of `min` to `max` characters, as PostgreSQL counts them (code points, where JavaScript counts UTF-16 units). */
export function text(min: number, max: number) {
  return z
    .string()
    .refine((value) => !value.includes(NUL), 'must not contain the character NUL')
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode')
    .refine((value) => {
      // A string never has more code points than UTF-16 units, so only borderline lengths need to be counted.
      if (value.length < min) return false
      if (value.length <= max && min <= 1) return true
      const length = [...value].length
      return length >= min && length <= max
    }, `must have ${min} to ${max} characters`)
    .meta({ minLength: min, maxLength: max })
}

export const uuid = z.guid()

/**
 * An instant with its offset (RFC 3339), e.g. `2026-03-28T22:00:00+01:00`. The range is that of the database's checks:
 * outside of it a year is a typing error.
 */
export const instant = z.preprocess(spellInstant, datetime())

/** An instant that is read as `spell` writes it. (After `instant.transform` Zod calls a member optional in the JSON Schema.) */
export const instantAs = (spell: (time: string) => string) =>
  z.preprocess(spellInstant, datetime().transform(spell))

function datetime() {
  return z.iso.datetime({ offset: true }).refine((value) => {
    const time = Date.parse(value)
    return time >= Date.UTC(2000, 0, 1) && time < Date.UTC(2100, 0, 1)
  }, 'must lie between the years 2000 and 2100')
}

/**
 * Normalizes an instant: upper-case `T` and `Z` (RFC 3339, section 5.6, also allows lower case), and a colon in the offset (ISO 8601's
 * basic form has none: `+0100`, as Java's and Python's formatters print it).
 */
function spellInstant(value: unknown): unknown {
  if (typeof value !== 'string') return value
  return value
    .replace(/^(\d{4}-\d\d-\d\d)t/, '$1T')
    .replace(/z$/, 'Z')
    .replace(/([+-]\d\d)(\d\d)$/, '$1:$2')
}

/** An instant as PostgreSQL's JSON spells it: `2026-03-28T21:00:00+00:00`, to the microsecond. */
export const instantOut = z.iso.datetime({ offset: true })

/** A date without a time (RFC 3339, `full-date`), in the range of `instant`. */
export const day = z.iso
  .date()
  .refine(
    (value) => value >= '2000-01-01' && value < '2100-01-01',
    'must lie between the years 2000 and 2100',
  )

/** W3C Geolocation: decimal degrees. */
export const latitude = z
  .number()
  .min(-90)
  .max(90)
  .meta({ description: 'Latitude in decimal degrees (WGS 84).', examples: [52.3731] })
export const longitude = z
  .number()
  .min(-180)
  .max(180)
  .meta({ description: 'Longitude in decimal degrees (WGS 84).', examples: [4.8922] })

/** As JSON has it; at most 400 characters, which is longer than what any program prints of a double, or of a decimal. */
const NUMBER = /^(?=.{1,400}$)-?\d+(\.\d+)?(e[+-]?\d+)?$/i

/**
 * A number in a query string, in the syntax of JSON numbers: clients print doubles as `-4e-7` or `4.9041388999999526`. Empty text,
 * `0x10`, ` 1` and `1e999` are refused.
 *
 * @param description must name the default, because OpenAPI shows no default for converted values
 */
export const queryNumber = (schema: z.ZodNumber, description?: string) =>
  z
    .string()
    .regex(NUMBER, 'must be a number as JSON writes it')
    .transform(Number)
    .pipe(schema)
    .meta({
      ...z.toJSONSchema(schema),
      // OpenAPI describes the number, not the text in the query string.
      pattern: undefined,
      $schema: undefined,
      ...(description === undefined ? {} : { description }),
    })

export const queryFlag = z
  .enum(['true', 'false'])
  .transform((word) => word === 'true')
  .meta({ type: 'boolean', enum: undefined })

export const DEFAULT_PAGE_SIZE = 20

/** A name of 200 characters that JSON spells with six bytes each, in base64url, with the id: see `page.ts`. */
const MAX_CURSOR_LENGTH = 2_000

/** The two parameters of every list. */
export const pageQuery = {
  limit: queryNumber(
    z.number().int().min(1).max(MAX_PAGE_SIZE),
    `The maximum number of items on a page; ${DEFAULT_PAGE_SIZE} when not given.`,
  ).default(DEFAULT_PAGE_SIZE),
  cursor: z
    .string()
    .max(MAX_CURSOR_LENGTH)
    .optional()
    .meta({ description: 'The `next_cursor` of the previous page. The filters must be the same.' }),
}

export const idParams = z.strictObject({ id: uuid })
