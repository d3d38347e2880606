import { SECTIONS } from '../rules/access-matrix.ts'
import { parseGrids, quote, type Section } from '../rules/access-probe.ts'
import { ACCESS_PERSONAS, type AccessPersona, accessCaller } from '../rules/access-world.ts'
import { type Frame, RecordingChannel, subscriberOf, type TestRouter } from './changes.ts'
import type { PublishedTableName } from './modules.ts'

/*
 * The access matrix of the tables, as far as it is about reading, tried on change events: who is told of an insert, an
 * update and a deletion of which row, and what.
 */

export const EVENTS = ['DELETE', 'INSERT', 'UPDATE'] as const
export type ChangeEventKind = (typeof EVENTS)[number]

const GRIDS = parseGrids(SECTIONS, ACCESS_PERSONAS)

export const sectionOf = (table: PublishedTableName): Section =>
  SECTIONS.find((section) => section.table === `public.${table}`)!

/** Who reads a row: those with the letter `r` in its line of the grid. */
export function readersOf(table: PublishedTableName, row: string): AccessPersona[] {
  const cells = GRIDS.get(sectionOf(table))!.get(row)!
  return ACCESS_PERSONAS.filter((persona) => cells.get(persona)?.has('r'))
}

export interface ChangeMatrix {
  /** Everybody who could subscribe to the table; each has a channel that hears all of its changes. */
  readonly channels: ReadonlyMap<AccessPersona, RecordingChannel>
  /** Who could not subscribe, and why. */
  readonly refused: ReadonlyMap<AccessPersona, string>
  /**
   * Deletes, inserts and updates the row by turns, as it is, and gives for each event who was told of it; with the row's
   * JSON in what they were told. Everything else of the table stays out.
   */
  touch(row: string): Promise<Record<ChangeEventKind, Map<AccessPersona, Told>>>
  end(): void
}

export interface Told {
  record: Record<string, unknown> | undefined
  old: Record<string, unknown> | undefined
}

/** `create table markers` and its publication must be there: everybody hears of markers. */
export async function followTable(rt: TestRouter, table: PublishedTableName): Promise<ChangeMatrix> {
  const channels = new Map<AccessPersona, RecordingChannel>()
  const refused = new Map<AccessPersona, string>()
  const ends: (() => void)[] = []
  for (const persona of ACCESS_PERSONAS) {
    const channel = new RecordingChannel()
    const subscriber = subscriberOf(accessCaller(persona))
    ends.push((await rt.follow(subscriber, { table: 'markers' }, channel, 99)).subscription.unsubscribe)
    await rt.follow(subscriber, { table }, channel, 1).then(
      ({ subscription }) => {
        ends.push(subscription.unsubscribe)
        channels.set(persona, channel)
      },
      (error: Error) => refused.set(persona, error.message),
    )
  }
  const section = sectionOf(table)

  return {
    channels,
    refused,

    async touch(row) {
      const condition = `${section.key} = ${quote(section.rows[row]!.id)}`
      const starts = new Map([...channels].map(([persona, { frames }]) => [persona, frames.length]))
      const [marker] = await rt.owner.transaction(async (tx) => {
        // Without the triggers, which have rules about who may write what, and without the foreign keys.
        await tx.query("set local session_replication_role = 'replica'")
        await tx.query(
          `with gone as (delete from ${section.table} where ${condition} returning *) insert into ${section.table} select * from gone`,
        )
        await tx.query(`update ${section.table} set created_at = created_at where ${condition}`)
        return tx.query<{ id: number }>('insert into markers default values returning id')
      })
      const told = Object.fromEntries(
        EVENTS.map((event) => [event, new Map<AccessPersona, Told>()]),
      ) as Record<ChangeEventKind, Map<AccessPersona, Told>>
      for (const [persona, channel] of channels) {
        const isMarked = ({ ids, data }: Frame): boolean => ids.includes(99) && data.record?.id === marker!.id
        // The marker is the last of all that came since.
        while (channel.frames.findLastIndex(isMarked) < starts.get(persona)!) {
          await channel.reach(channel.frames.length + 1)
        }
        for (const { ids, data } of channel.frames.slice(starts.get(persona))) {
          if (ids.includes(1)) told[data.type].set(persona, { record: data.record, old: data.old_record })
        }
      }
      return told
    },

    end() {
      for (const end of ends) end()
    },
  }
}

/** What differs from the matrix, in words: empty when every cell is right. */
export async function wrongCells(rt: TestRouter, table: PublishedTableName): Promise<string[]> {
  const wrong: string[] = []
  for await (const cells of lookForWrongCells(rt, table)) wrong.push(...cells)
  return wrong
}

/** Of the first row that is told of otherwise: for rules that were broken, where one cell is enough. Empty when every cell is right. */
export async function firstWrongCells(rt: TestRouter, table: PublishedTableName): Promise<string[]> {
  for await (const cells of lookForWrongCells(rt, table)) if (cells.length > 0) return cells
  return []
}

/** Row by row, after who may subscribe at all. */
async function* lookForWrongCells(rt: TestRouter, table: PublishedTableName): AsyncGenerator<string[]> {
  const matrix = await followTable(rt, table)
  try {
    yield ACCESS_PERSONAS.filter((persona) => matrix.refused.has(persona) !== (persona === 'anon')).map(
      (persona) => `${persona}: ${matrix.refused.get(persona) ?? 'may subscribe'}`,
    )
    for (const row of Object.keys(sectionOf(table).rows)) yield await wrongCellsOf(matrix, table, row)
  } finally {
    matrix.end()
  }
}

async function wrongCellsOf(matrix: ChangeMatrix, table: PublishedTableName, row: string): Promise<string[]> {
  const wrong: string[] = []
  const told = await matrix.touch(row)
  const readers = readersOf(table, row)
  for (const event of ['INSERT', 'UPDATE'] as const) {
    for (const persona of ACCESS_PERSONAS) {
      if (told[event].has(persona) !== readers.includes(persona)) {
        wrong.push(`${row} ${event}: ${persona} is ${readers.includes(persona) ? 'not ' : ''}told`)
      }
    }
  }
  // Of a row that is gone nobody can be asked who saw it: everybody who may read keys is told of the key, and no more.
  for (const persona of ACCESS_PERSONAS) {
    const isTold = told.DELETE.has(persona)
    if (isTold !== (persona !== 'anon'))
      wrong.push(`${row} DELETE: ${persona} is ${isTold ? '' : 'not '}told`)
  }
  for (const [persona, { record, old }] of [...told.UPDATE, ...told.DELETE]) {
    const members = Object.keys(old ?? {}).join()
    if (members !== 'id') wrong.push(`${row}: ${persona} is told of the old row ${members}`)
    if (record && ('tenant_id' in record || 'deleted_at' in record)) {
      wrong.push(`${row}: ${persona} is told of columns that are not published`)
    }
  }
  return wrong
}
