import { writeFile } from 'node:fs/promises'
import { makeOutlines } from '../platform/live/outlines.ts'

// Writes the map of the page at /live anew, after a new release of world-atlas.
await writeFile(
  new URL('../platform/live/page/outlines.json', import.meta.url),
  `${JSON.stringify(await makeOutlines())}\n`,
)
