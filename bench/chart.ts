import type { Row } from './bench.ts'
import type { Measured } from './measure.ts'
import { MEASURED_HEADINGS, type Report, spell, spellMeasured } from './report.ts'

/*
 * Above, one bar per target: how far a figure is on the good side of it. The scale is logarithmic, since what is ten times better
 * and what is twice as bad must both be seen. Below, all that was measured, with a bar for the requests per second, as a
 * share of the fastest on the same path.
 */

const WIDTH = 1120
const MARGIN = 16
const BAR_FROM = 500
const BAR_TO = 800
const LINE_HEIGHT = 22
const BAR_HEIGHT = 14
/** From the top of a bar to where its text stands. */
const BASELINE = 11
/** What a panel's title and headings take. */
const HEAD_HEIGHT = 64
/** Whatever is farther from its target ends at the edge. */
const FARTHEST = 20
const COLORS = { met: '#1a7f5a', missed: '#c2452d', share: '#4f6d9a', axis: '#8a8f98', text: '#1f2328' }

/** What a target is for: a ratio where it says so; else the value, whatever it is shown beside. */
const isForRatio = ({ target }: Row): boolean => target?.includes(' × ') ?? false

/** Over 1 when the target is met, whichever way it looks; undefined for a line without one. */
export function fulfilment(row: Row): number | undefined {
  const [, sign, bound] = /^([≥≤]) ([\d.]+)/.exec(row.target ?? '') ?? []
  if (!sign || !bound) return undefined
  const figure = isForRatio(row) ? row.ratio! : row.value
  const wanted = Number(bound)
  // Nothing at all where at most nothing was allowed.
  if (wanted === 0) return figure === 0 ? FARTHEST : 1 / FARTHEST
  return sign === '≥' ? figure / wanted : wanted / figure
}

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const text = (x: number, y: number, content: string, more = ''): string =>
  `<text x="${x}" y="${y}"${more && ` ${more}`}>${escapeXml(content)}</text>`

const title = (y: number, content: string): string =>
  text(MARGIN, y + 24, content, 'font-size="15" font-weight="600"')

const bar = (from: number, to: number, y: number, color: string): string =>
  `<rect x="${from}" y="${y}" width="${Math.max(2, to - from)}" height="${BAR_HEIGHT}" rx="2" fill="${color}"/>`

/** A part of the chart, drawn from `top` on. */
interface Panel {
  height: number
  elements: string[]
}

const xOf = (fulfilled: number): number => {
  const bounded = Math.min(FARTHEST, Math.max(1 / FARTHEST, fulfilled))
  const share = (Math.log(bounded) / Math.log(FARTHEST) + 1) / 2
  return Math.round(BAR_FROM + share * (BAR_TO - BAR_FROM))
}

function drawTargets(rows: readonly Row[], top: number): Panel {
  const aimed = rows.filter((row) => fulfilment(row) !== undefined)
  const height = HEAD_HEIGHT + aimed.length * LINE_HEIGHT + 16
  const lines = aimed.flatMap((row, nth) => {
    const y = top + HEAD_HEIGHT + nth * LINE_HEIGHT
    const [from, to] = [xOf(1), xOf(fulfilment(row)!)].sort((a, b) => a - b)
    const figure = isForRatio(row) ? `${spell(row.ratio)} ×` : spell(row.value)
    return [
      text(BAR_FROM - 12, y + BASELINE, `${row.path}, ${row.metric}`, 'text-anchor="end"'),
      bar(from!, to!, y, row.met ? COLORS.met : COLORS.missed),
      text(BAR_TO + 12, y + BASELINE, `${figure} (${row.target})`),
    ]
  })
  const names = { 0.1: '10 times worse', 1: 'target', 10: '10 times better' }
  const marks = Object.entries(names).flatMap(([mark, name]) => {
    const x = xOf(Number(mark))
    const stroke = `stroke="${COLORS.axis}" stroke-width="${mark === '1' ? 1.5 : 0.5}"`
    return [
      `<line x1="${x}" x2="${x}" y1="${top + HEAD_HEIGHT - 8}" y2="${top + height - 12}" ${stroke}/>`,
      text(x, top + HEAD_HEIGHT - 14, name, 'text-anchor="middle"'),
    ]
  })
  return { height, elements: [title(top, 'Each figure against its target'), ...marks, ...lines] }
}

/** Where the figures of a contender end, in the order of `MEASURED_HEADINGS` from the third on. */
const FIGURES_END = [650, 705, 760, 815, 920, 1030, 1090]
const SHARE_FROM = 400
const SHARE_TO = 570

function drawMeasured(measured: Report['measured'], top: number): Panel {
  const headings = MEASURED_HEADINGS.slice(2).map((heading, nth) =>
    text(FIGURES_END[nth]!, top + HEAD_HEIGHT - 14, heading, 'text-anchor="end"'),
  )
  const lines = measured
    .flatMap(({ path, contenders }) => {
      const fastest = Math.max(...contenders.map((contender) => contender.requests_per_second))
      return contenders.map((contender, nth) => ({ path: nth === 0 ? path : '', contender, fastest }))
    })
    .flatMap(({ path, contender, fastest }, nth) =>
      drawContender(path, contender, fastest, top + HEAD_HEIGHT + nth * LINE_HEIGHT),
    )
  const count = measured.reduce((sum, { contenders }) => sum + contenders.length, 0)
  return {
    height: HEAD_HEIGHT + count * LINE_HEIGHT + 16,
    elements: [title(top, 'All that was measured'), ...headings, ...lines],
  }
}

function drawContender(path: string, contender: Measured, fastest: number, y: number): string[] {
  const share = Math.round(((SHARE_TO - SHARE_FROM) * contender.requests_per_second) / fastest)
  const [, name, ...figures] = spellMeasured(path, contender)
  return [
    text(MARGIN, y + BASELINE, path, 'font-weight="600"'),
    text(SHARE_FROM - 12, y + BASELINE, name!, 'text-anchor="end"'),
    bar(SHARE_FROM, SHARE_FROM + share, y, COLORS.share),
    ...figures.map((figure, nth) => text(FIGURES_END[nth]!, y + BASELINE, figure, 'text-anchor="end"')),
  ]
}

/** The chart of a report, as SVG. */
export function toChart({ rows, measured }: Report): string {
  const targets = drawTargets(rows, 0)
  const figures = drawMeasured(measured, targets.height)
  const height = targets.height + figures.height
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="${COLORS.text}">`,
    '<!-- Generated by `npm run bench`. -->',
    '<title>Each figure against its target, and all that was measured</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...targets.elements,
    ...figures.elements,
    '</svg>',
  ].join('\n')}\n`
}
