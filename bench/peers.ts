import { fileURLToPath } from 'node:url'
import { installNpmPackages } from '../test/support/npm-packages.ts'

/**
 * Installs the peers that the service is compared with, unless they are there: they are dependencies of the benchmark
 * alone, so `npm ci` of the project does without them.
 */
export const installPeers = (say: (line: string) => void): Promise<void> =>
  installNpmPackages(fileURLToPath(new URL('.', import.meta.url)), say)
