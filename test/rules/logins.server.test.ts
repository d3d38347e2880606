import { expect, test } from 'vitest'
import { openServer } from '../../src/db/engine/server.ts'
import { enableLogins, LOGINS, loginUrl } from '../../src/db/logins.ts'
import { useTestDatabase } from '../support/database.ts'
import { urlOf } from '../support/server-databases.ts'

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
