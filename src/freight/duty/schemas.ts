import { z } from 'zod'
import type { Code } from '../../platform/http/codes.ts'
import {
  instant,
  instantAs,
  instantOut,
  latitude,
  longitude,
  pageQuery,
  text,
  uuid,
} from '../../platform/http/fields.ts'
import { pageOf } from '../../platform/http/page.ts'
import { fieldErrors, retry } from '../../platform/http/problem.ts'
import { dutyStatusName as status } from '../hours-form.ts'
import { DUTY_EDIT_KINDS, DUTY_EDIT_SIDES, DUTY_EDIT_STATES } from './table.ts'

export const dutyStatus = z
  .strictObject({
    id: uuid,
    organization_id: uuid.meta({ description: 'The carrier.' }),
    driver_id: uuid,
    status: status.meta({ description: 'The status that began, as it was recorded.' }),
    began_at: instantOut.meta({
      description: 'When the status began, by the clock of the device. It lasts until the next one begins.',
    }),
    recorded_at: instantOut.meta({ description: 'When it was recorded, by the clock of the device.' }),
    device_id: z.string(),
    latitude: latitude.nullable(),
    longitude: longitude.nullable(),
    created_at: instantOut.meta({ description: 'When the service received it.' }),
    counts: z.boolean().meta({
      description:
        'Whether the entry counts as it was recorded. When an accepted edit says otherwise, `counts_as` says what counts.',
    }),
    counts_as: z.strictObject({ status, began_at: instantOut }).nullable().meta({
      description: 'What the last accepted edit says; null when there is none, or it voids the entry.',
    }),
  })
  .meta({ id: 'DutyStatus' })

export type DutyStatus = z.infer<typeof dutyStatus>

export const dutyStatusPage = pageOf(dutyStatus)

export const dutyStatusQuery = z.strictObject({
  from: instant.optional().meta({ description: 'Only entries that begin at this time or later.' }),
  to: instant.optional().meta({ description: 'Only entries that begin before this time.' }),
  ...pageQuery,
})

export type DutyStatusFilter = Omit<z.infer<typeof dutyStatusQuery>, keyof typeof pageQuery>

const deviceId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ._:-]{0,63}$/)
  .meta({ description: 'Which device recorded it.', examples: ['phone-7f3a'] })

/** PostgreSQL refuses some offsets that RFC 3339 allows; a log has milliseconds at most. */
const deviceInstant = (description: string) =>
  instantAs((time) => new Date(time).toISOString()).meta({ description })

/** Not strict: what a newer app sends beside these never costs an entry. */
export const newDutyStatus = z
  .object({
    id: uuid.meta({
      description:
        'The id of the entry, which the device generates once. It makes repeated requests idempotent.',
    }),
    status,
    began_at: deviceInstant('When the status began, by the clock of the device.'),
    recorded_at: deviceInstant(
      'When it was recorded, by the clock of the device; `began_at` when not given.',
    ).optional(),
    device_id: deviceId,
    latitude: latitude.optional(),
    longitude: longitude.optional(),
  })
  .refine(({ latitude, longitude }) => (latitude === undefined) === (longitude === undefined), {
    path: ['longitude'],
    message: 'comes with the latitude',
  })
  .refine(({ began_at, recorded_at = began_at }) => Date.parse(recorded_at) >= Date.parse(began_at), {
    path: ['recorded_at'],
    message: 'must not be before `began_at`',
  })

export type NewDutyStatus = z.infer<typeof newDutyStatus>

/** A driver changes status some 20 times a day: a week without a network fits. */
export const MAX_BATCH_ITEMS = 200
/** An entry takes some 250 bytes, and more when it is indented. */
export const BATCH_BODY_LIMIT_BYTES = MAX_BATCH_ITEMS * 1_024

/** The codes with which an entry of a batch can be refused. */
export const DUTY_PROBLEMS = [
  'duty_in_future',
  'duty_id_conflict',
  'too_many_duty_changes',
] as const satisfies Code[]

const storedEntry = z
  .strictObject({
    id: uuid.meta({ description: 'The id of the item, in the spelling of the request.' }),
    status: z.enum(['created', 'duplicate']),
  })
  .meta({ id: 'StoredDutyStatus' })

const rejectedEntry = z
  .strictObject({
    id: uuid.nullable().meta({ description: 'The id of the item; null when the item has no valid id.' }),
    status: z.literal('rejected'),
    // A plain string, so that serializing a response never fails on a code that is missing from the list.
    code: z.string().meta({
      enum: ['validation_failed', ...DUTY_PROBLEMS],
      description: 'Why the entry was rejected; `retry` says whether to send it again.',
    }),
    retry,
    errors: fieldErrors.optional().meta({
      description:
        'The invalid members. `pointer` is a JSON Pointer (RFC 6901) into the request, such as `/body/items/0/status`.',
    }),
  })
  .meta({ id: 'RejectedDutyStatus' })

export const batchResult = z.discriminatedUnion('status', [storedEntry, rejectedEntry]).meta({
  id: 'DutyStatusResult',
  discriminator: {
    propertyName: 'status',
    mapping: {
      created: '#/components/schemas/StoredDutyStatus',
      duplicate: '#/components/schemas/StoredDutyStatus',
      rejected: '#/components/schemas/RejectedDutyStatus',
    },
  },
})

export type BatchResult = z.infer<typeof batchResult>

export const batchResults = z.strictObject({
  results: z
    .array(batchResult)
    .meta({ description: 'The results, one for each item of the request, in the same order.' }),
})

export const hoursQuery = z.strictObject({
  at: instant.optional().meta({
    description:
      'The time to which the answer applies: now when not given. The status then goes on until that time.',
  }),
})

export const dutyEdit = z
  .strictObject({
    id: uuid,
    organization_id: uuid.meta({ description: 'The carrier.' }),
    driver_id: uuid,
    entry_id: uuid.meta({
      description:
        'The entry: the id of a duty status, or of the edit that added the entry. An edit of the kind `added` adds an entry with its own id.',
    }),
    kind: z.enum(DUTY_EDIT_KINDS).meta({
      description:
        '`another`: the entry has another status or time. `added`: the log lacks an entry. `void`: the entry does not count.',
    }),
    status: status.nullable().meta({ description: 'The status that the entry gets; null for `void`.' }),
    began_at: instantOut.nullable().meta({ description: 'The time that the entry gets; null for `void`.' }),
    reason: z.string(),
    proposed_by: uuid.meta({ description: 'The user who proposed the edit.' }),
    proposed_as: z.enum(DUTY_EDIT_SIDES),
    state: z.enum(DUTY_EDIT_STATES).meta({
      description:
        '`proposed`: the other side has not decided yet. Only `accepted` counts; of several for one entry, the last decision does.',
    }),
    decided_by: uuid.nullable(),
    decided_at: instantOut.nullable(),
    created_at: instantOut,
    updated_at: instantOut,
  })
  .meta({ id: 'DutyStatusEdit' })

export type DutyEdit = z.infer<typeof dutyEdit>

export const dutyEditPage = pageOf(dutyEdit)

export const dutyEditQuery = z.strictObject({ state: z.enum(DUTY_EDIT_STATES).optional(), ...pageQuery })

export type DutyEditFilter = Omit<z.infer<typeof dutyEditQuery>, keyof typeof pageQuery>

const reason = text(1, 1_000).meta({ description: 'Why. Both sides read it.' })
const entry_id = uuid.meta({
  description: 'The id of a duty status of the driver, or of an accepted edit that added an entry.',
})

export const newDutyEdit = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('another'), entry_id, status, began_at: instant, reason }),
    z.strictObject({ kind: z.literal('added'), status, began_at: instant, reason }),
    z.strictObject({ kind: z.literal('void'), entry_id, reason }),
  ])
  .meta({ id: 'NewDutyStatusEdit' })

export type NewDutyEdit = z.infer<typeof newDutyEdit>
