import { createHash } from 'node:crypto'
import type { RelatedStatement, StatementDetail } from './schemas.ts'

/** Column heads are on each printed page, the sums once, after the last line. */
const STYLE = `
  :root { font: 11pt/1.4 system-ui, sans-serif; color: #111; background: #fff }
  body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
  h1 { margin: 0 0 .2rem; font-size: 1.5rem }
  dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1.5rem; margin: 1.5rem 0 }
  dt { color: #555 }
  dd { margin: 0 }
  dd, th, td { overflow-wrap: anywhere }
  table { width: 100%; border-collapse: collapse }
  th, td { padding: .3rem .5rem; text-align: left; vertical-align: top; border-bottom: 1px solid #ccc }
  .day, .amount { width: 1%; white-space: nowrap; font-variant-numeric: tabular-nums }
  .amount { text-align: right }
  tfoot tr:first-child > * { border-top: 2px solid #111 }
  tfoot th { font-weight: normal }
  tfoot .owed > * { font-weight: bold; border-bottom: 2px solid #111 }
  thead { display: table-header-group }
  tfoot { display: table-row-group; break-inside: avoid }
  tr { break-inside: avoid }
  @page { size: A4; margin: 18mm; @bottom-right { content: counter(page) " / " counter(pages); font: 9pt system-ui, sans-serif } }
  @media print { body { max-width: none; margin: 0; padding: 0 } }
`

/** Nothing is loaded, nothing runs, and nobody frames it. */
export const STATEMENT_PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const EXEMPTIONS = {
  small_business: 'Exempt from VAT: scheme for small enterprises',
  reverse_charge: 'VAT reverse-charged',
  not_registered: 'No VAT is charged',
} as const

const TITLES = { invoice: 'Invoice', credit_note: 'Credit note' } as const

const RELATIONS = {
  corrects: 'Credits',
  replaces: 'Replaces',
  corrected_by: 'Credited by',
  replaced_by: 'Replaced by',
} as const satisfies Record<RelatedStatement['relation'], string>

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as HTML shows it, in elements and in quoted attributes. */
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!)

/** Made once: to make one takes a hundred times as long as to use it, and a page may have thousands of amounts. */
const TWO_DECIMALS = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })

const amount = (value: number, currency: string): string =>
  `${TWO_DECIMALS.format(value)} ${escapeHtml(currency)}`

/** A statement as a page that prints on A4. It needs nothing from elsewhere. */
export function toPageOf(statement: StatementDetail): string {
  const { currency } = statement
  const title = `${TITLES[statement.kind]} ${statement.number}`
  const facts: [string, string][] = [
    ['From', statement.professional_name],
    ['To', `${statement.company_name} (self-billed)`],
    ['Date', statement.issued_on],
    ['Period', `${statement.first_day} to ${statement.last_day}`],
    ...statement.related.map(({ relation, kind, number, issued_on }): [string, string] => [
      RELATIONS[relation],
      `${TITLES[kind].toLowerCase()} ${number} of ${issued_on}`,
    ]),
    ...(statement.correction_reason ? [['Reason', statement.correction_reason] as [string, string]] : []),
    ...(statement.vat_number ? [['VAT number', statement.vat_number] as [string, string]] : []),
  ]
  const sums: [string, number, string?][] = [
    ['Gross', statement.gross],
    ...(statement.deduction_percent > 0
      ? [
          [
            `${statement.deduction_reason ?? 'Deduction'} (${statement.deduction_percent} % of gross)`,
            -statement.deductions,
          ] as [string, number],
        ]
      : []),
    ['Net', statement.net],
    [
      statement.vat_exemption
        ? EXEMPTIONS[statement.vat_exemption]
        : `VAT (${statement.vat_rate} % of gross)`,
      statement.vat_amount,
    ],
    ['Total', statement.total],
    ...(statement.carried_in !== 0
      ? [['Carried over from the statement before', statement.carried_in] as [string, number]]
      : []),
    ['To pay', statement.payable, 'owed'],
    ...(statement.carried_out !== 0
      ? [['Carried over to the next statement', statement.carried_out] as [string, number]]
      : []),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(`${title}, ${statement.professional_name}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<dl>
${facts.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('\n')}
</dl>
<table>
<thead><tr><th scope="col">Day</th><th scope="col">Work</th><th scope="col" class="amount">Amount</th></tr></thead>
<tbody>
${statement.lines
  .map(
    (line) =>
      `<tr><td class="day">${escapeHtml(line.work_date)}</td><td>${escapeHtml(line.explanation)}</td><td class="amount">${amount(line.amount, currency)}</td></tr>`,
  )
  .join('\n')}
</tbody>
<tfoot>
${sums
  .map(
    ([name, value, style]) =>
      `<tr${style ? ` class="${style}"` : ''}><th scope="row" colspan="2">${escapeHtml(name)}</th><td class="amount">${amount(value, currency)}</td></tr>`,
  )
  .join('\n')}
</tfoot>
</table>
</body>
</html>
`
}
