// The way in for any Node: it says what is wrong where Node is too old to read the TypeScript of src/. Plain JavaScript, with
// nothing in it that an old Node does not know.
import { existsSync, readFileSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const { engines } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'))
const numbers = (version) =>
  version
    .replace(/^[^\d]*/, '')
    .split('.')
    .map(Number)
const [major, minor] = numbers(process.versions.node)
const [neededMajor, neededMinor] = numbers(engines.node)

if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
  console.error(
    `Muster needs Node ${engines.node}, and ${process.execPath} is ${process.versions.node}. Start it by "npm start", which uses the Node 24 that "npm ci" brings along, or install a newer Node.`,
  )
  process.exit(1)
}

// What was compiled once, and its types taken off, is read again by the next start, where this folder can be written. It is ours alone: who
// could write there could let us run anything.
module.enableCompileCache?.(fileURLToPath(new URL('./node_modules/.cache/muster', import.meta.url)))

if (existsSync('.env')) process.loadEnvFile('.env')
await import('./src/main.ts')
