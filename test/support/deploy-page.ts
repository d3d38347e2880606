import { readFile } from 'node:fs/promises'

/** The blocks of one kind in a section of `docs/deploy.md`, as they are written there. */
export async function deployBlocks(heading: string, kind: 'sql' | 'sh' | 'ini'): Promise<string[]> {
  const page = await readFile(new URL('../../docs/deploy.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split(`\n${heading}\n`)
  const found = section.split(/\n##/)[0]!.matchAll(new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, 'gs'))
  const blocks = [...found].map(([, text]) => text!)
  if (blocks.length === 0) throw new Error(`docs/deploy.md has no ${kind} in ${heading}.`)
  return blocks
}
