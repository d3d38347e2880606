import { describe, expect, it } from 'vitest'
import { SYNC_TABLES } from '../../src/resources/sync/schemas.ts'
import { buildAccessWorld } from '../rules/access-world.ts'
import { readersOf, sectionOf, wrongCells } from '../support/change-matrix.ts'
import { useRouter } from '../support/changes.ts'

const rt = useRouter(async (owner) => {
  await buildAccessWorld(owner)
  await owner.script(`
    create table markers (id int primary key generated always as identity);
    grant select on markers to anon, authenticated;
    alter publication supabase_realtime add table markers;
  `)
})

describe('change events reach those who may read the row, and nobody else', () => {
  it.each(SYNC_TABLES)('%s', async (table) => {
    const rows = Object.keys(sectionOf(table).rows)
    expect(rows.some((row) => readersOf(table, row).length > 0)).toBe(true)
    expect(await wrongCells(rt(), table)).toEqual([])
    expect(rt().gaps).toEqual([])
  })
})
