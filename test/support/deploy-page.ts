import { readFile } from 'node:fs/promises'

/** The blocks of one kind in a section of `docs/deploy.md`, as they are written there. */
export const deployBlocks = (heading: string, kind: 'sql' | 'sh' | 'ini'): Promise<string[]> =>
  pageBlocks('deploy.md', heading, kind)

/** The same of another page of `docs/`. */
export async function pageBlocks(
  name: string,
  heading: string,
  kind: 'sql' | 'sh' | 'ini',
): Promise<string[]> {
  const page = await readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
  const [, section = ''] = page.split(`\n${heading}\n`)
  const found = section.split(/\n##/)[0]!.matchAll(new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, 'gs'))
  const blocks = [...found].map(([, text]) => text!)
  if (blocks.length === 0) throw new Error(`docs/${name} has no ${kind} in ${heading}.`)
  return blocks
}
