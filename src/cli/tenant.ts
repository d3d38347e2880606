import { parseArgs } from 'node:util'
import { z } from 'zod'
import { readConfig } from '../config.ts'
import { isUserId } from '../platform/auth/caller.ts'
import type { Database } from '../platform/db/engine/database.ts'
import { readDatabaseError } from '../platform/db/engine/database-error.ts'
import { asService } from '../platform/db/identity.ts'
import { openForCommand } from '../platform/db/open.ts'
import { Refused, runCommand, UsageError } from './command.ts'
import { developmentUserId } from './demo-users.ts'

const USAGE = `Usage: npm run --silent tenant -- <name> <email> [<user id>]
  <name>       the name of the marketplace
  <email>      the e-mail address of its first admin
  <user id>    the subject of the admin's tokens; by default the one that \`npm run token -- <email>\` gives`

/** The same limits as the database's check. */
const NAME = z.string().min(1).max(200)

interface NewTenant {
  name: string
  email: string
  id: string
}

process.exitCode = await runCommand(USAGE, async () => {
  const wanted = readArguments(process.argv.slice(2))
  const config = readConfig(process.env)
  // Progress goes to stderr: stdout is for scripts.
  const databases = await openForCommand(config, (line) => console.error(line))
  try {
    const tenant = await createTenant(databases.worker, wanted)
    console.log(`tenant ${tenant}\nadmin  ${wanted.id}`)
  } finally {
    await databases.close()
  }
})

function readArguments(words: string[]): NewTenant {
  const { positionals } = parseArgs({ args: words, allowPositionals: true })
  const [name, email, id, ...rest] = positionals
  if (name === undefined || email === undefined) throw new UsageError('A tenant needs a name and an admin.')
  if (!NAME.safeParse(name).success) throw new UsageError('A name has 1 to 200 characters.')
  if (!z.email().safeParse(email).success) throw new UsageError(`${email} is no e-mail address.`)
  if (id !== undefined && !isUserId(id)) throw new UsageError(`${id} is no user id: give a UUID.`)
  if (rest.length > 0) throw new UsageError(`Not understood: ${rest.join(' ')}`)
  return { name, email, id: id ?? developmentUserId(email) }
}

/** @returns the tenant's id. @throws Refused when the id is a user's already. */
async function createTenant(database: Database, { name, email, id }: NewTenant): Promise<string> {
  try {
    return await asService(database, async (tx) => {
      const [row] = await tx.query<{ id: string }>('select muster.create_tenant($1, $2, $3, $4) as id', [
        name,
        // The name until the admin changes it.
        email.slice(0, email.indexOf('@')),
        email,
        id,
      ])
      return row!.id
    })
  } catch (error) {
    if (readDatabaseError(error)?.constraint !== 'users_pkey') throw error
    throw new Refused(
      `The user ${id} is already registered, and a user belongs to one tenant: give another user id.`,
    )
  }
}
