import { randomBytes } from 'node:crypto'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { MIGRATION_CONNECTION, migrateUp } from '../../src/platform/db/migrations/migrate.ts'
import { urlOf } from '../../src/platform/server-url.ts'
import { patience } from './patience.ts'

/** How long a session of a database that is to be dropped may take to end, in milliseconds. */
const TERMINATION_TIMEOUT_MS = patience(10_000)

export { urlOf }

/**
 * A new, migrated database that others are copied from, on the server of `serverUrl` (a superuser's).
 *
 * It lets nobody connect any more, not even autovacuum: a template with a session in it cannot be copied. Copies
 * themselves do not exclude each other.
 *
 * @param migrated a database of the server that has the migrations already, and nobody in it
 * @returns its name.
 */
export async function createTemplate(serverUrl: string, migrated?: string): Promise<string> {
  const name = randomName('muster_template')
  await asAdministrator(serverUrl, (query) =>
    query(`create database ${name} ${migrated ? `template ${migrated} strategy file_copy` : ''}`),
  )
  if (!migrated) await migrateDatabase(urlOf(serverUrl, name))
  await asAdministrator(serverUrl, (query) => query(`alter database ${name} with allow_connections false`))
  return name
}

export async function migrateDatabase(ownerUrl: string): Promise<void> {
  const database = openServer({ ...MIGRATION_CONNECTION, url: ownerUrl })
  try {
    await migrateUp(database)
  } finally {
    await database.close()
  }
}

/** A copy of `template` for one test file: of its files, so that no change feed has to read it in the log. @returns its name. */
export async function copyTemplate(serverUrl: string, template: string): Promise<string> {
  const name = randomName('muster_test')
  await asAdministrator(serverUrl, (query) =>
    query(`create database ${name} template ${template} strategy file_copy`),
  )
  return name
}

/** Drops a database with whoever is still in it, and its logins. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await asAdministrator(serverUrl, async (query) => {
    // `force` does not end a session that streams from a replication slot, and refuses while there is one.
    await query(
      `select pg_terminate_backend(active_pid, ${TERMINATION_TIMEOUT_MS}) from pg_replication_slots where database = '${name}'`,
    )
    const logins = (await query(
      `select rolname as login from pg_roles, pg_database
       where datname = '${name}' and rolname ~ ('^muster_[a-z]+_' || pg_database.oid || '(_|$)')`,
    )) as { login: string }[]
    await query(`drop database if exists ${name} with (force)`)
    for (const { login } of logins) await query(`drop role ${login}`)
  })
}

/** Unlike any other run's on a server that several share. */
const randomName = (prefix: string): string => `${prefix}_${randomBytes(8).toString('hex')}`

async function asAdministrator(
  serverUrl: string,
  work: (query: (text: string) => Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  const server = openServer({ url: serverUrl, max: 1, applicationName: 'muster-test-administrator' })
  try {
    await work((text) => server.query(text))
  } finally {
    await server.close()
  }
}
