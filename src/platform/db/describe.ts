import { resolve } from 'node:path'
import type { Config } from '../../config.ts'

/** Which database the settings name, for people: addresses, logins' names and databases, never a password. */
export function describeDatabase(config: Config): string {
  const url = config.DATABASE_URL ?? config.DATABASE_API_URL
  if (!url) return `the embedded database in ${resolve(config.DATA_DIR)} (DATABASE_URL is not set)`
  const beside = [
    config.DATABASE_POOLER_URL && `through the pooler ${hostOf(config.DATABASE_POOLER_URL)}`,
    config.DATABASE_REPLICA_URL && `reads also from the replica ${hostOf(config.DATABASE_REPLICA_URL)}`,
  ].filter(Boolean)
  const { username, pathname } = new URL(url)
  return [`the database ${username ? `${username}@` : ''}${hostOf(url)}${pathname}`, ...beside].join(', ')
}

const hostOf = (url: string): string => {
  const { hostname, port } = new URL(url)
  return `${hostname || 'localhost'}:${port || '5432'}`
}
