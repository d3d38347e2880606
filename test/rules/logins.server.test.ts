import { expect, test } from 'vitest'
import { openServer } from '../../src/platform/db/engine/server.ts'
import { enableLogins, LOGINS, loginUrl } from '../../src/platform/db/logins.ts'
import { useTestDatabase } from '../support/database.ts'
import { patience } from '../support/patience.ts'
import { urlOf } from '../support/server-databases.ts'
import { crashServiceWhen } from '../support/service-process.ts'

const database = useTestDatabase()

test('services that start at once, also on two databases of one server, let their logins in', async () => {
  const ownerUrl = database().ownerUrl!
  const elsewhere = urlOf(ownerUrl, 'postgres')
  const owners = [ownerUrl, elsewhere, ownerUrl, elsewhere].map((url) => openServer({ url, max: 1 }))
  try {
    await Promise.all(
      owners.flatMap((owner) => Array.from({ length: 5 }, () => enableLogins(owner, ownerUrl))),
    )
  } finally {
    await Promise.all(owners.map((owner) => owner.close()))
  }
  for (const login of Object.values(LOGINS)) {
    const session = openServer({ url: loginUrl(ownerUrl, login), max: 1 })
    expect(await session.query('select current_user::text as name')).toEqual([{ name: login }])
    await session.close()
  }
})

test(
  'a connection that cannot be made is in the log with its address and cause: pooler, replica and replication',
  async () => {
    const nowhere = 'postgres://127.0.0.1:1'
    const settings = {
      DATABASE_URL: database().ownerUrl!,
      DATABASE_POOLER_URL: nowhere,
      DATABASE_REPLICA_URL: nowhere,
      DATABASE_REPLICATION_URL: `${nowhere}/nothing`,
      JWT_SECRET: 'the secret of the tests, at least 32 characters long',
      LOG_LEVEL: 'warn',
    }
    const connections = [
      '"connection":"api"',
      '"connection":"worker"',
      '"connection":"replica"',
      'realtime change feed: disconnected',
    ]
    const isTold = (line: string, connection: string): boolean =>
      line.includes(connection) && line.includes('ECONNREFUSED 127.0.0.1:1')
    const lines = await crashServiceWhen(settings, (printed) =>
      connections.every((connection) => printed.some((line) => isTold(line, connection))),
    )
    expect(lines.join('\n')).toContain('through the pooler 127.0.0.1:1')
  },
  patience(60_000),
)
