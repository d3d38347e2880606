import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { getTableName, is, Table } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { MODULES, orderRules, readSchemaFiles } from '../../scripts/rules/schema-files.ts'
import { splitStatements } from '../../scripts/rules/statements.ts'
import { codes as codesOfGuarding } from '../../src/guarding/codes.ts'
import { codes as codesOfPeople } from '../../src/people/codes.ts'
import { CODES as CODES_OF_PLATFORM } from '../../src/platform/http/codes.ts'

const CODES = { ...CODES_OF_PLATFORM, ...codesOfPeople, ...codesOfGuarding }

/*
 * SQL points down, as imports do: the platform knows no table, function, code or role of people or of a trade, and people none of
 * a trade.
 */

type Module = (typeof MODULES)[number]

/** Who raises them, and what they are about. */
const CODES_OF: Record<Module, readonly string[]> = {
  platform: [],
  people: ['invitation_invalid', 'already_registered'],
  guarding: [
    'shift_overlap',
    'certificate_missing',
    'certificate_expired',
    'professional_inactive',
    'shift_not_open',
    'invalid_transition',
    'outside_check_in_window',
    'recorded_in_future',
    'shift_not_assigned',
    'certificate_in_use',
    'professional_in_use',
    'location_in_use',
    'payment_missing',
    'shift_over',
    'shift_begun',
    'rate_lowered',
    'end_worked',
    'daily_limit_reached',
    'too_many_pings',
  ],
}

/** Of users, and of the groups of callers that are named after them. */
const ROLES_OF: Record<Module, readonly string[]> = {
  platform: [],
  people: ['admin', 'company', 'client', 'user'],
  guarding: ['zzp', 'guard', 'professional'],
}

/**
 * What points up today, by file: each is to go, and none is to come. An entry that is not needed any more fails, too. The ways by
 * which a module extends what is below it are to be codes that it registers, `muster.audience_of_<table>`, found by name, and a
 * policy of its own on a table of people.
 */
const POINTS_UP: Record<string, readonly string[]> = {
  // muster.fail has the SQLSTATE of every code.
  'platform/foundation.sql': Object.values(CODES_OF).flat(),
  // muster.audience and muster.audiences_of name the groups of callers.
  'platform/audience.sql': [
    ...['shifts', 'users', 'security_professionals'],
    ...['admin', 'client', 'company', 'guard', 'professional', 'user', 'zzp'],
  ],
  // Shifts leave the view of guards when they begin, without a change.
  'platform/catch-up.sql': ['shifts', 'shifts_begun_for_caller()'],
  // muster.declare_audiences and muster.change_audiences list the tables.
  'platform/visibility.sql': [
    ...['assignments', 'finqle_transactions', 'gps_checkins', 'incidents', 'notifications'],
    ...['shift_briefings', 'shifts'],
  ],
  // muster.guard_tenant_id and muster.professional_id.
  'people/callers.sql': ['security_professionals', 'zzp'],
  // Whoever accepts the invitation of a guard becomes a professional.
  'people/invitations.sql': ['security_professionals', 'zzp'],
  // Guards read the organizations of the shifts that they see.
  'people/organizations.sql': ['shifts'],
  // Callers read the users of professionals whom they see; muster.me gives a guard's professional.
  'people/users.sql': ['professional', 'security_professionals'],
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

it.each(['platform', 'people'] as const)(
  'the SQL of %s names nothing of the modules above it',
  async (module) => {
    const above = MODULES.slice(MODULES.indexOf(module) + 1)
    const tables = (await Promise.all(above.map(tablesOf))).flat()
    const functions = above.flatMap(functionsOf)
    const words = [...above.flatMap((name) => CODES_OF[name]), ...tables]
    const roles = above.flatMap((name) => ROLES_OF[name])
    expect(tables.length).toBeGreaterThan(5)

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
    expect(found).toEqual(
      Object.fromEntries(
        Object.entries(POINTS_UP)
          .filter(([file]) => moduleOf(file) === module)
          .map(([file, names]) => [file, [...names].sort()]),
      ),
    )
  },
)

it('the codes and roles above are those that there are', () => {
  for (const code of Object.values(CODES_OF).flat()) expect(Object.keys(CODES)).toContain(code)
  const all = [...texts.values()].join('\n')
  for (const role of Object.values(ROLES_OF).flat()) expect(all).toMatch(new RegExp(`'${role}s?[:']`))
})

it('a file of rules is in the folder of a module', () => {
  expect(() => orderRules(new Map([['notes.sql', '']]), [])).toThrow('notes.sql')
})
