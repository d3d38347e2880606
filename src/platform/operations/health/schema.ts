import { findDrift, readComparableCatalog } from '../../db/migrations/drift.ts'
import { verifyMigrations } from '../../db/migrations/migrate.ts'
import { MigrationError } from '../../db/migrations/migration-error.ts'
import { type Check, finding, list, NotKnown } from './finding.ts'

/** Whether the schema is the one of this version. */
export const SCHEMA_CHECKS: readonly Check[] = [
  {
    name: 'migrations',
    async examine({ database }) {
      try {
        await verifyMigrations(database)
        return { level: 'good', text: 'exactly those of this version' }
      } catch (error) {
        if (!(error instanceof MigrationError)) throw error
        return {
          level: 'bad',
          text: `they differ from those of this version (${error.code})`,
          advice: 'npm run db:status lists them; npm run db:migrate applies what is pending.',
        }
      }
    },
  },
  {
    name: 'drift',
    async examine({ database, readHistory }) {
      if (!readHistory) throw new NotKnown('left out by --quick; npm run db:verify tells')
      const drifts = findDrift(await readHistory(), await readComparableCatalog(database))
      // Something more does less harm than something else.
      const level = drifts.every(({ how }) => how === 'added') ? 'warning' : 'bad'
      return finding(
        drifts.length === 0 ? 'good' : level,
        drifts.length === 0
          ? 'tables, rules and privileges are as the migrations make them'
          : list(drifts.map(({ how, object }) => `${how}: ${object}`)),
        'npm run db:verify lists all. Undo the change in the database, or make it in a migration.',
      )
    },
  },
]
