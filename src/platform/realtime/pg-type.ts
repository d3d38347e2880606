/**
 * A column's type as the catalog tells it (`pg_type.typnamespace`, `typname`, `typbasetype`, `typelem`, `typdelim`).
 * Ranges, composites and everything else without a rule of its own are `scalar`: their text is sent as a string.
 */
export type PgType =
  | { is: 'scalar' | 'enum'; schema: string; name: string }
  | { is: 'domain'; schema: string; name: string; of: PgType }
  | { is: 'array'; schema: string; name: string; of: PgType; delimiter: string }

/** A column of a published table. */
export interface Column {
  name: string
  type: PgType
  isPrimaryKey: boolean
}

/** The type under a domain, however many domains are stacked. */
export function baseType(type: PgType): PgType {
  return type.is === 'domain' ? baseType(type.of) : type
}

/**
 * The `typname` where the type, or what its domain stands on, is a scalar of `pg_catalog`, else undefined: a user's
 * own type may carry a built-in's name in another schema, and must not be taken for it.
 */
export function builtinName(type: PgType): string | undefined {
  const base = baseType(type)
  return base.is === 'scalar' && base.schema === 'pg_catalog' ? base.name : undefined
}

/** `name` as an SQL identifier, always quoted. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * The type as SQL, without its modifier: a cast to `varchar(3)` would cut a value short before it is compared.
 * Schema and `typname` are quoted, so that `bpchar` and `bit` keep that meaning (`character` alone means length 1).
 */
export function typeSql(type: PgType): string {
  return `${quoteIdentifier(type.schema)}.${quoteIdentifier(type.name)}`
}
