import { resolve } from 'node:path'
import type { Config } from '../../config.ts'
import { addressesOf, parseServerUrl } from '../server-url.ts'
import { addressText } from './engine/connection.ts'

/** Which database the settings name, for people: addresses, logins' names and databases, never a password. */
export function describeDatabase(config: Config): string {
  const url = config.DATABASE_URL ?? config.DATABASE_API_URL
  if (!url) return `the embedded database in ${resolve(config.DATA_DIR)} (DATABASE_URL is not set)`
  const beside = [
    config.DATABASE_POOLER_URL && `through the pooler ${hostsOf(config.DATABASE_POOLER_URL)}`,
    config.DATABASE_REPLICA_URL && `reads also from the replica ${hostsOf(config.DATABASE_REPLICA_URL)}`,
  ].filter(Boolean)
  const { user, database } = parseServerUrl(url)
  return [`the database ${user ? `${user}@` : ''}${hostsOf(url)}/${database}`, ...beside].join(', ')
}

const hostsOf = (url: string): string => addressesOf(url).addresses.map(addressText).join(',')
