import { defineConfig } from 'drizzle-kit'

const url = process.env.DATABASE_URL

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/db/schema/index.ts',
  out: './drizzle',
  // `<unix seconds>_<name>.sql`: the order of the names is the order of the history, for `supabase db push` too.
  migrations: { prefix: 'unix' },
  // For `db:studio` only. The embedded database is not offered to it: drizzle-kit would open it without PostGIS.
  ...(url ? { dbCredentials: { url } } : {}),
})
