import { defineConfig } from 'drizzle-kit'

const url = process.env.DATABASE_URL

// drizzle-kit itself would say that it lacks `dbCredentials`, and not where they come from.
if (process.argv.includes('studio') && !url) {
  console.error(
    'db:studio needs DATABASE_URL, in the environment or in .env: it looks into a PostgreSQL server. The embedded database is not offered to it, because drizzle-kit would open it without PostGIS.',
  )
  process.exit(1)
}

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/**/table.ts',
  out: './drizzle',
  // `<unix seconds>_<name>.sql`: the order of the names is the order of the history, for `supabase db push` too.
  migrations: { prefix: 'unix' },
  // For `db:studio` only. The embedded database is not offered to it: drizzle-kit would open it without PostGIS.
  ...(url ? { dbCredentials: { url } } : {}),
})
