import { MIGRATIONS_FOLDER } from '../src/platform/db/migrations/migration-files.ts'
import { noteHashes } from './rules/migration-folder.ts'

/** Adds the hashes of new migrations to `drizzle/meta/_hashes.json`; `test/unit/migrations.test.ts` compares. */
for (const name of await noteHashes(MIGRATIONS_FOLDER)) console.log(`added ${name}`)
