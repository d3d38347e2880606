/**
 * A process of its own that resolves the development secret in the folder it is given, as a starting service does. It
 * says when it is ready and waits for a line, so that a test can let several go at the same moment.
 */
import { once } from 'node:events'
import { readConfig } from '../../src/config.ts'
import { resolveTokenSettings } from '../../src/platform/auth/development-secret.ts'

const config = readConfig({ NODE_ENV: 'test', DATA_DIR: process.argv[2] })
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const { keys } = await resolveTokenSettings(config)
process.stdout.write(keys.kind === 'secret' ? keys.secret : keys.kind)
process.stdin.unref()
