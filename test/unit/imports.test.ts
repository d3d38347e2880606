import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * The parts of the source, from the bottom up. A file imports its own part and the rows above it in this list: never one of the same
 * row, never one below. The longest path that fits says which part a file is of.
 */
const PARTS: readonly (readonly string[])[] = [
  ['src/platform/server-url.ts'],
  [
    'src/config.ts',
    'src/version.ts',
    'src/platform/metric.ts',
    'src/platform/private-folder.ts',
    'src/platform/streak.ts',
  ],
  ['src/mistyped-settings.ts', 'src/platform/log.ts'],
  ['src/platform/auth', 'src/platform/db/engine'],
  ['src/platform/db'],
  ['src/platform/http'],
  [
    'src/platform/realtime/losses.ts',
    'src/platform/realtime/pg-type.ts',
    'src/platform/realtime/row-image.ts',
  ],
  ['src/platform/realtime/protocol', 'src/platform/realtime/feed'],
  ['src/platform/realtime/changes', 'src/platform/realtime/bus'],
  ['src/platform/realtime/gateway'],
  ['src/platform/sign-in'],
  [
    'src/platform/idempotency',
    'src/platform/jobs',
    'src/platform/live',
    'src/platform/operations',
    'src/platform/positions',
    'src/platform/sync',
  ],
  ['src/platform/module.ts'],
  ['src/people'],
  // The trades, which never know each other.
  ['src/guarding', 'src/freight'],
  ['src/app.ts'],
  ['src/service.ts', 'src/cli'],
  ['src/main.ts'],
]
const ROW_OF = new Map(PARTS.flatMap((row, index) => row.map((part) => [part, index] as const)))

/** Who else knows something of a module: the commands for tokens have to be quick, and load nothing but the demo's users. */
const KNOW_A_MODULE = [
  'src/cli/demo-users.ts → src/freight/demo/users.ts',
  'src/cli/demo-users.ts → src/guarding/demo/users.ts',
]

interface SourceFile {
  path: string
  text: string
}

const sources: readonly SourceFile[] = await Promise.all(
  (await readdir(join(ROOT, 'src'), { recursive: true }))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .map(async (path) => ({
      path: join('src', path),
      text: await readFile(join(ROOT, 'src', path), 'utf8'),
    })),
)

/** All imports of files of ours, also those of types, and those that are loaded later: `from '…'`, `import '…'`, `import('…')`. */
const imports = sources.flatMap(({ path, text }) =>
  [...text.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, to = '']) => ({
    from: path,
    to: join(dirname(path), to),
  })),
)
const arrow = ({ from, to }: { from: string; to: string }): string => `${from} → ${to}`

function partOf(path: string): string | undefined {
  for (let at = path; at !== '.'; at = dirname(at)) if (ROW_OF.has(at)) return at
  return undefined
}

const moduleOf = (path: string): string | undefined => /^src\/(people|guarding|freight)\//.exec(path)?.[1]
/** `src/guarding/shifts` of a file in it; undefined for what the resources of a module share. */
const resourceOf = (path: string): string | undefined =>
  /^src\/(?:people|guarding|freight)\/\w+(?=\/)/.exec(path)?.[0]

describe('imports', () => {
  it('are of files whose part is in the list', () => {
    expect(sources.filter(({ path }) => partOf(path) === undefined).map(({ path }) => path)).toEqual([])
    expect(imports.length).toBeGreaterThan(400)
  })

  it('point down', () => {
    const others = imports.filter(({ from, to }) => {
      const [source, target] = [partOf(from), partOf(to)]
      return source !== target && !(ROW_OF.get(target ?? '')! < ROW_OF.get(source ?? '')!)
    })
    expect(others.map(arrow)).toEqual([])
  })

  it('reach a module from outside by its module.ts alone, and only from the composition', () => {
    const entering = imports.filter(({ from, to }) => moduleOf(from) === undefined && moduleOf(to))
    const others = entering.filter(({ from, to }) => from !== 'src/app.ts' || !to.endsWith('/module.ts'))
    expect(others.map(arrow)).toEqual(KNOW_A_MODULE)
  })

  // Two resources meet in SQL.
  it('of another resource are of its tables', () => {
    const sideways = imports.filter(({ from, to }) => {
      const [source, target] = [resourceOf(from), resourceOf(to)]
      return (
        source && target && source !== target && moduleOf(from) === moduleOf(to) && !to.endsWith('/table.ts')
      )
    })
    expect(sideways.map(arrow)).toEqual([])
  })
})

/** Words of a trade: what people of it are called, and what they have. The names of its tables come beside them. */
const WORDS = [
  ...['guard', 'zzp', 'shift', 'certificate', 'professional', 'check-?in', 'incident', 'payment'],
  ...['carrier', 'broker', 'dispatcher', 'truck', 'trailer', 'freight'],
]

/** Tables of a trade whose names are words of ours, too: the database has drivers, and statements. */
const ALSO_OURS = ['drivers', 'statements']

/** What the platform's code still says of a trade, by file. The list only gets shorter. */
const SAID: Readonly<Record<string, string[]>> = {
  // Descriptions that explain by an example.
  'http/openapi/document.ts': ['check-ins'],
  'http/problem.ts': ['certificate'],
  // The users of the demo.
  'http/openapi/plugin.ts': ['guard'],
}

/** The files of the page at /live, too. */
const page: readonly SourceFile[] = await Promise.all(
  (await readdir(join(ROOT, 'src/platform/live/page')))
    .filter((name) => /\.(?:js|html|css)$/.test(name))
    .map(async (name) => ({
      path: join('src/platform/live/page', name),
      text: await readFile(join(ROOT, 'src/platform/live/page', name), 'utf8'),
    })),
)

/** Comments may explain by an example of a trade. */
const withoutComments = (text: string): string =>
  text.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, '').replaceAll(/(?<=^|\s)\/\/ .*$/gm, '')

describe('the platform', () => {
  it('uses no word of a trade', () => {
    const tables = sources
      .filter(({ path }) => /^src\/(guarding|freight)\/.*\/table\.ts$/.test(path))
      .flatMap(({ text }) => [...text.matchAll(/pgTable\(\s*'(\w+)'/g)].map(([, name = '']) => name))
      .filter((name) => !ALSO_OURS.includes(name))
    expect(tables.length).toBeGreaterThan(7)
    const words = [...tables, ...WORDS.map((word) => `${word}s?`)].join('|')
    const word = new RegExp(`(?<![a-z])(?:${words})(?![a-z])`, 'gi')
    const said = [...sources, ...page]
      .filter(({ path }) => path.startsWith('src/platform/'))
      .map(({ path, text }) => {
        // `.shift()` is an array's.
        const found = withoutComments(text).replaceAll('.shift()', '').match(word) ?? []
        const name = relative('src/platform', path)
        return [name, [...new Set(found.map((one) => one.toLowerCase()))]] as const
      })
      .filter(([, found]) => found.length > 0)
    expect(Object.fromEntries(said)).toEqual(SAID)
  })
})
