import { keepLocalCopy } from './keep-local-copy.ts'

const [url, table = 'shifts'] = process.argv.slice(2)
const { TOKEN } = process.env
if (!url || !TOKEN) {
  // In the environment, because everybody on the machine can read a command line.
  console.error('Usage: TOKEN=… node examples/local-copy/main.ts <url> [table]')
  process.exit(1)
}

const copy = keepLocalCopy({
  url,
  token: TOKEN,
  table,
  onChange: (ids, { rows, isLive }) => {
    console.log(
      `${new Date().toISOString()} ${rows.size} ${table}, ${ids.length} changed${isLive ? '' : ', not live'}`,
    )
  },
  onProblem: (problem) => console.error(problem.message),
})
// supabase-js waits for answers to what it sent last, up to ten seconds, also when it has disconnected.
process.once('SIGINT', () => void copy.stop().then(() => process.exit()))
await copy.ready
console.log(`A complete copy: ${copy.rows.size} ${table}. It follows until you press Ctrl-C.`)
