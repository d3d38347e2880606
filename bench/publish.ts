import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { toChart } from './chart.ts'
import { toDocument } from './document.ts'
import { emptyReport, type Report } from './report.ts'

const RESULTS = new URL('./results/', import.meta.url)
const LATEST = new URL('latest.json', RESULTS)
const CHART = new URL('latest.svg', RESULTS)
const DOCUMENT = new URL('../docs/performance.md', import.meta.url)

const toText = (report: Report): string => `${JSON.stringify(report, null, 2)}\n`

/** What has been published of this machine, to put further paths beside it; of another machine, or by colder references, nothing is kept. */
export async function readPublished(machine: string, options: Report['options']): Promise<Report> {
  const { scale, rounds, seconds, memoryMinutes } = options
  const wanted = { scale, rounds, seconds, memoryMinutes }
  const known: Report | undefined = await readFile(LATEST, 'utf8').then(JSON.parse, () => undefined)
  const isSame =
    known?.machine === machine &&
    known.references === 'warm' &&
    JSON.stringify(known.options) === JSON.stringify(wanted)
  return isSame ? known : emptyReport(machine, wanted)
}

/** Writes the report, its chart and the page that shows them. */
export async function publish(report: Report): Promise<void> {
  await mkdir(RESULTS, { recursive: true })
  await writeFile(LATEST, toText(report))
  await writeFile(CHART, toChart(report))
  await writeFile(DOCUMENT, toDocument(report))
}

/** Writes page and chart again, for instance when the page has learned to say more. @throws when nothing has been published. */
export const renderPublished = async (): Promise<void> => publish(JSON.parse(await readFile(LATEST, 'utf8')))

/** For whoever is at work: quick runs, and shortened ones. */
export async function writePartial(report: Report): Promise<void> {
  await mkdir(RESULTS, { recursive: true })
  await writeFile(new URL('partial.json', RESULTS), toText(report))
}
