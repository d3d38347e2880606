import { spawnSync } from 'node:child_process'

/* The quick checks, each a script of package.json. All of them run, whichever fails: one run names all that is to be mended. */

const PARTS = ['types', 'format:check', 'sql:lint', 'openapi:lint']

const failed = PARTS.filter((part) => {
  const { status, error } = spawnSync('npm', ['run', '--silent', part], { stdio: 'inherit' })
  if (error) throw error
  return status !== 0
})
if (failed.length > 0) {
  console.error(
    `\nFailed: ${failed.join(', ')}. \`npm run <name>\` runs one alone; \`npm run format\` formats the files.`,
  )
  process.exitCode = 1
}
