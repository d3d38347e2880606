import { expect, test } from 'vitest'
import { splitStatements } from '../../scripts/rules/statements.ts'

test.each([
  ['two', 'select 1; select 2;', ['select 1;', 'select 2;']],
  ['one without its semicolon', 'select 1', ['select 1']],
  ['nothing but a comment', '-- nothing;\n/* here; /* nor; */ here; */', []],
  [
    'semicolons in text',
    `select 'a;''b', E'c\\';d', "e;""f"; select 1`,
    [`select 'a;''b', E'c\\';d', "e;""f";`, 'select 1'],
  ],
  ['bodies in dollars', 'do $$ a; $b$ b; $$; do $b$ $$; $b$;', ['do $$ a; $b$ b; $$;', 'do $b$ $$; $b$;']],
  ['parameters and dollars in names', 'select $1, a$b$; select $2', ['select $1, a$b$;', 'select $2']],
  [
    'bodies of statements',
    'create function f() begin atomic select case when a then 1 end; select 2; end; select 3',
    ['create function f() begin atomic select case when a then 1 end; select 2; end;', 'select 3'],
  ],
])('splits %s', (_, script, statements) => {
  expect(splitStatements(script).map(({ bare }) => bare)).toEqual(statements)
})

test('a comment directly above belongs to the statement, one above a blank line does not', () => {
  expect(splitStatements('-- of the file\n\n-- of it\nselect 1;\n\n-- two\nselect 2; -- after\n')).toEqual([
    { text: '-- of it\nselect 1;', bare: 'select 1;', line: 4 },
    { text: '-- two\nselect 2;', bare: 'select 2;', line: 7 },
  ])
})
