import type { Database } from '../../src/platform/db/engine/database.ts'
import type { FreightPersona } from './freight-world.ts'
import { shiftIn } from './shifts.ts'
import type { Persona as WorldPersona } from './world.ts'

type Persona = WorldPersona | FreightPersona

/* What a request of a route needs to be there before. */

/** One request that succeeds. */
export interface RouteRequest {
  persona: Persona
  url: string
  body?: unknown
}

export interface Arrangement {
  owner: Database
  /** How many items a batch has. */
  items: number
}

/** Arranges a request anew, for each persona that the route is for. Reads may be sent again and again. */
export type ArrangeRequests = (arrangement: Arrangement) => Promise<RouteRequest[]>

export const EVERYBODY: readonly Persona[] = ['guard', 'company', 'client', 'admin']
const FAR_APART_HOURS = 24
let shiftsArranged = 0

/** Shifts of one guard must not overlap: each is on a day of its own. */
export const nextStart = (): number => 48 + FAR_APART_HOURS * shiftsArranged++

export const each =
  (url: string, personas: readonly Persona[] = EVERYBODY): ArrangeRequests =>
  async () =>
    personas.map((persona) => ({ persona, url }))

export const one = (request: RouteRequest): RouteRequest[] => [request]

export const shift = (
  { owner }: Arrangement,
  status: Parameters<typeof shiftIn>[1]['status'] = 'published',
): Promise<string> => shiftIn({ owner }, { status, startsInHours: nextStart() })

export const idOf = (answer: { id: string }[]): string => answer[0]!.id
