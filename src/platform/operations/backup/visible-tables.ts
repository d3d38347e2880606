import type { Transaction } from '../../db/engine/database.ts'

export interface VisibleTable {
  /** Quoted where needed, with its schema. */
  name: string
  bytes: number
  /** Whether no policy can hide a row of it from this login. */
  isWhole: boolean
}

/** Tables whose rows pass through and are of no use later: what the embedded engine reports as a change, and messages that are tried. */
export const TRANSIENT = ['muster.change_outbox', 'realtime.messages']

/**
 * The tables of the database that are Muster's or this login's, without those of extensions and of other owners' schemas (Supabase's).
 *
 * Forced row level security binds the owner, too. Nothing is hidden from it where a permissive policy is `true` for one of its roles and
 * no restrictive one applies: the owner is a member of `muster_definer`, which has such a policy on each table.
 */
export async function readVisibleTables(tx: Transaction): Promise<VisibleTable[]> {
  const rows = await tx.query<{ name: string; bytes: string; is_whole: boolean }>(`
    select
      format('%I.%I', n.nspname, c.relname) as name,
      pg_total_relation_size(c.oid)::text as bytes,
      not row_security_active(c.oid)
        or exists (
          select from pg_policy p
          where p.polrelid = c.oid and p.polpermissive and p.polcmd in ('*', 'r')
            and pg_get_expr(p.polqual, p.polrelid) = 'true'
            and exists (select from unnest(p.polroles) r (oid) where r.oid = 0 or pg_has_role(current_user, r.oid, 'usage'))
        )
        and not exists (
          select from pg_policy p
          where p.polrelid = c.oid and not p.polpermissive and p.polcmd in ('*', 'r')
            and exists (select from unnest(p.polroles) r (oid) where r.oid = 0 or pg_has_role(current_user, r.oid, 'usage'))
        ) as is_whole
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r'
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and pg_has_role(current_user, c.relowner, 'usage')
      and not exists (
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      )
    order by 1
  `)
  return rows
    .map(({ name, bytes, is_whole }) => ({ name, bytes: Number(bytes), isWhole: is_whole }))
    .filter(({ name }) => !TRANSIENT.includes(name))
}

/** Counts the rows of tables, one after the other, in the snapshot of the transaction. */
export async function countRows(tx: Transaction, tables: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of tables) {
    const [row] = await tx.query<{ count: string }>(`select count(*) as count from ${name}`)
    counts[name] = Number(row?.count)
  }
  return counts
}
