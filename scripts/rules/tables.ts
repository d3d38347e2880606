import { glob } from 'node:fs/promises'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
/** Each resource declares its tables beside itself; drizzle.config.ts takes the same files. */
export const TABLES = 'src/**/table.ts'

/** Everything that the table files export, as drizzle-kit takes it. */
export async function readTables(): Promise<Record<string, unknown>> {
  const paths: string[] = []
  for await (const path of glob(TABLES, { cwd: ROOT })) paths.push(path)
  const modules: object[] = await Promise.all(paths.sort().map((path) => import(join(ROOT, path))))
  return Object.assign({}, ...modules)
}
