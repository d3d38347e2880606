import { z } from 'zod'
import { instantOut, uuid } from '../platform/http/fields.ts'
import { HOURS_CYCLES, HOURS_PACKS } from './drivers/table.ts'
import { DUTY_STATUSES } from './duty/table.ts'

/* Hours of service as the API gives them: of one driver, and beside each candidate for a load. */

export const dutyStatusName = z.enum(DUTY_STATUSES).meta({
  description:
    '`off_duty`: rest or break. `sleeper`: rest in the sleeper berth. `driving`. `on_duty`: other work, such as loading.',
})

const seconds = z.int().min(0)

export const driverHours = z
  .strictObject({
    driver_id: uuid,
    at: instantOut.meta({ description: 'The time to which the answer applies, to the second.' }),
    pack: z.enum(HOURS_PACKS).meta({
      description: '`us_property`: 49 CFR 395, carriers of property. `eu_561`: Regulation (EC) No 561/2006.',
    }),
    cycle: z
      .enum(HOURS_CYCLES)
      .nullable()
      .meta({ description: 'The cycle of a driver in the United States; null in the European Union.' }),
    time_zone: z.string().meta({
      description: 'The time zone of the home terminal: there the days of a cycle and the weeks begin.',
    }),
    status: dutyStatusName
      .nullable()
      .meta({ description: 'The status at that time; null when the log has no entry for the last 28 days.' }),
    since: instantOut.nullable().meta({
      description:
        'When that status began, or 28 days earlier than `at` if it began before that; null without a log.',
    }),
    can_drive_at: instantOut.meta({
      description:
        'When the driver may drive: `at` if at once, otherwise the first time at which one who rests from `at` on may drive.',
    }),
    driving_seconds_left: seconds.meta({
      description:
        'Driving left: of 11 hours after a rest; in the European Union of the 9 or 10 hours of the day.',
    }),
    window_seconds_left: seconds.meta({
      description:
        'Time left until the window of 14 hours ends; in the European Union until the next daily rest has to begin.',
    }),
    break_seconds_left: seconds.meta({
      description: 'Driving left until a break is due: of 8 hours; in the European Union of 4.5 hours.',
    }),
    cycle_seconds_left: seconds.meta({
      description:
        'Time on duty left of 60 or 70 hours; in the European Union time left until the next weekly rest has to begin.',
    }),
    week_seconds_left: seconds.nullable().meta({
      description:
        'Driving left of the 56 hours of the week in the European Union; null in the United States.',
    }),
    fortnight_seconds_left: seconds.nullable().meta({
      description:
        'Driving left of the 90 hours of this week and the last in the European Union; null in the United States.',
    }),
  })
  .meta({ id: 'DriverHours' })

export type DriverHours = z.infer<typeof driverHours>
