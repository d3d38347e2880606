import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { MODULES, orderRules, readSchemaFiles } from '../../scripts/rules/schema-files.ts'
import { splitStatements } from '../../scripts/rules/statements.ts'
import { codes as codesOfFreight } from '../../src/freight/codes.ts'
import { codes as codesOfGuarding } from '../../src/guarding/codes.ts'
import { codes as codesOfPeople } from '../../src/people/codes.ts'
import { getTableName, is, Table } from '../../src/platform/db/drizzle.ts'
import { PLATFORM } from '../../src/platform/http/codes.ts'

/*
 * SQL points down, as imports do: the platform knows no table, function, code or role of people or of a trade, people none of a
 * trade, and a trade none of another. What a module adds to one below, it says in its own files: a policy of its own on a table of people, and functions that
 * are found by their names (`muster.audience_of_<table>`, `muster.codes_of_<module>`).
 */

type Module = (typeof MODULES)[number]

const CODES_OF: Record<Module, readonly string[]> = {
  platform: Object.keys(PLATFORM.codes),
  people: Object.keys(codesOfPeople),
  guarding: Object.keys(codesOfGuarding),
  freight: Object.keys(codesOfFreight),
}

/** Of users, and of the groups of callers that are named after them. */
const ROLES_OF: Record<Module, readonly string[]> = {
  platform: [],
  people: ['admin', 'company', 'client', 'user'],
  guarding: ['zzp', 'guard', 'professional'],
  freight: ['office', 'dispatcher', 'driver', 'carrier', 'broker'],
}

const texts = await readSchemaFiles()
const moduleOf = (file: string): Module => MODULES.find((name) => file.startsWith(`${name}/`))!

async function tablesOf(module: Module): Promise<string[]> {
  const names: string[] = []
  for await (const path of glob(`src/${module}/**/table.ts`)) {
    const declared = await import(join(process.cwd(), path))
    for (const value of Object.values(declared)) if (is(value, Table)) names.push(getTableName(value))
  }
  return names
}

const functionsOf = (module: Module): string[] =>
  [...texts]
    .filter(([file]) => moduleOf(file) === module)
    .flatMap(([, text]) => [...text.matchAll(/^create or replace function muster\.(\w+)/gm)])
    .map(([, name]) => name!)

/** The code of a file: without comments, and without the texts that `comment on` gives. */
const codeOf = (text: string): string =>
  splitStatements(text)
    .filter(({ bare }) => !/^comment on\b/.test(bare))
    .map(({ bare }) => bare.replaceAll(/--.*$/gm, ''))
    .join('\n')

/** What a module may name; the trades never name each other. */
const BELOW: Record<Module, readonly Module[]> = {
  platform: [],
  people: ['platform'],
  guarding: ['platform', 'people'],
  freight: ['platform', 'people'],
}

it.each(MODULES)(
  'the SQL of %s names nothing of the modules above it, nor of another trade',
  async (module) => {
    const above = MODULES.filter((other) => other !== module && !BELOW[module].includes(other))
    const tables = (await Promise.all(above.map(tablesOf))).flat()
    const functions = above.flatMap(functionsOf)
    const words = [...above.flatMap((name) => CODES_OF[name]), ...tables]
    const roles = above.flatMap((name) => ROLES_OF[name])
    expect(tables.length).toBeGreaterThan(3)

    const found: Record<string, string[]> = {}
    for (const [file, text] of texts) {
      if (moduleOf(file) !== module) continue
      const code = codeOf(text)
      const named = [
        ...tables.filter((name) => new RegExp(`\\b(?:public|muster)\\.${name}\\b`).test(code)),
        ...functions
          .filter((name) => new RegExp(`\\bmuster\\.${name}\\(`).test(code))
          .map((name) => `${name}()`),
        ...words.filter((word) => code.includes(`'${word}'`)),
        ...roles.filter((role) => new RegExp(`'${role}s?[:']`).test(code)),
      ]
      if (named.length > 0) found[file] = [...new Set(named)].sort()
    }
    expect(found).toEqual({})
  },
)

it('the roles above are those that there are', () => {
  const all = [...texts.values()].join('\n')
  for (const role of Object.values(ROLES_OF).flat()) expect(all).toMatch(new RegExp(`'${role}s?[:']`))
})

it('a file of rules is in the folder of a module', () => {
  expect(() => orderRules(new Map([['notes.sql', '']]), [])).toThrow('notes.sql')
})
