import type { PgType } from '../../src/platform/realtime/pg-type.ts'

/** Types whose arrays are not comma separated (`select typname, typdelim from pg_type where typdelim <> ','`). */
const SEMICOLON_DELIMITED = new Set(['box'])

/** The description of a type of `pg_catalog` by its `typname`: `int4`, or `_int4` for its array. */
export function builtinType(name: string): PgType {
  const schema = 'pg_catalog'
  if (!name.startsWith('_')) return { is: 'scalar', schema, name }
  const element = name.slice(1)
  const delimiter = SEMICOLON_DELIMITED.has(element) ? ';' : ','
  return { is: 'array', schema, name, of: builtinType(element), delimiter }
}
