import fc from 'fast-check'
import { describe, expect, inject, test } from 'vitest'
import { buildRules, planPair, tryPair } from '../../scripts/rules/compare.ts'
import { type Rules, readRulesOf } from '../../scripts/rules/objects.ts'
import { NotByThisCommand } from '../../scripts/rules/pair.ts'
import { readRules, type Source, tableStatements } from '../../scripts/rules/schema-files.ts'
import { OF_THE_SERVER } from '../../src/platform/db/migrations/catalog-difference.ts'
import { difference } from '../support/catalog-difference.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { applyEdits, RULE_EDITS, type RuleEdit, ruleEdits } from '../support/rule-edits.ts'

const database = useTestDatabase()
const rules = await readRules(await tableStatements())

/** Each run builds a database from the files, and takes 2 s on a quiet machine. */
const RUNS = Number(process.env.RULE_EDIT_RUNS ?? 1)

const options = () => ({ roles: database().engine === 'embedded' })
const isCompared = (block: string): boolean => database().engine === 'embedded' || !OF_THE_SERVER.test(block)

/** Writes the pair for edited files, and tries it. @returns its statements. */
async function write(edited: readonly Source[]): Promise<{ up: string; down: string }> {
  return database().owner.transaction(async (tx) => {
    const comparison = { history: await readRulesOf(tx), files: await buildRules(tx, edited, options()) }
    const pair = planPair(comparison)
    await tryPair(tx, comparison, pair, isCompared)
    return { up: pair.up.statements.join(';\n'), down: pair.down.statements.join(';\n') }
  })
}

test(
  'for random edits of the files, the pair goes up, down and up again, each time exactly',
  async () => {
    await fc.assert(
      fc.asyncProperty(ruleEdits, async (edits) => {
        await write(applyEdits(rules, edits))
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
  },
  patience(300_000),
)

test('one edit of each kind is written with what it says, and nothing else', async () => {
  const edits = RULE_EDITS.map((kind): RuleEdit => ({ kind, pick: 7 }))
  const { up, down } = await write(applyEdits(rules, edits))
  for (const added of [
    'create function muster.added_',
    'create policy added_',
    'create trigger added_',
    'create materialized view muster.added_',
    'owner to muster_definer',
  ]) {
    expect(up).toContain(added)
    expect(down).not.toContain(added)
  }
  expect(up).toContain('drop function muster.tg_shifts__close_channel()')
  expect(down).toContain('CREATE OR REPLACE FUNCTION muster.tg_shifts__close_channel()')
})

// On both engines the catalog says so in the same way.
if (inject('database').engine === 'embedded') {
  describe('is not written, but left to be written by hand:', () => {
    const withStatement = (text: string): Source[] => [
      ...rules,
      { text, bare: text, file: 'added.sql', line: 1, position: rules.length },
    ]

    test.each([
      [
        'what stands in a conditional block',
        `do $$ begin if true then create policy sometimes on public.shifts using (true); end if; end $$`,
      ],
      ['what it has no statements for, such as a column', 'alter table public.tenants add column added text'],
    ])('%s', async (_, statement) => {
      await expect(write(withStatement(statement))).rejects.toBeInstanceOf(NotByThisCommand)
    })
  })

  describe('what history has and the files lack is found:', () => {
    /** The names of what differs, of a database built without the statements that a pattern fits. */
    async function missing(pattern: RegExp): Promise<string[]> {
      const left = rules.filter(({ bare }) => !pattern.test(bare))
      expect(left.length).toBeLessThan(rules.length)
      const [history, files] = await database().owner.transaction(
        async (tx): Promise<[Rules, Rules]> => [await readRulesOf(tx), await buildRules(tx, left, options())],
      )
      return Object.keys(difference(history.blocks, files.blocks)).filter(isCompared)
    }

    test('a function, a policy, a trigger, a grant and a comment', async () => {
      expect(
        await missing(
          /tg_shifts__close_channel|policy tenants_read on|trigger follow_briefing after update|grant delete on public.invitations|comment on function muster.fail/,
        ),
      ).toEqual([
        'relation public.invitations',
        'function muster.tg_shifts__close_channel()',
        'trigger close_channel on public.shifts',
        'trigger follow_briefing on public.shifts',
        'policy tenants_read on public.tenants',
        'comment function muster.fail(pg_catalog.text,pg_catalog.text)',
        'comment function muster.tg_shifts__close_channel()',
        'comment policy tenants_read on public.tenants',
      ])
    })
  })
}
