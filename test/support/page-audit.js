// Runs inside the page, so it uses nothing from outside of its function.

/**
 * What stands between the page as it is now and people who do not see it, see it badly or use no mouse: the checks of
 * WCAG 2.2 that a machine can make. An empty list is good.
 *
 * @returns {string[]}
 */
export function auditPage() {
  /** @type {string[]} */
  const findings = []
  const MIN_TEXT_CONTRAST = 4.5
  const MIN_MARK_CONTRAST = 3
  const MIN_TARGET_PIXELS = 24

  /** @param {Element} at */
  const name = (at) =>
    `<${at.localName}${at.id ? ` id=${at.id}` : ''}> ${(at.textContent ?? '').trim().slice(0, 30)}`
  /** @param {Element} at */
  const isVisible = (at) =>
    at.checkVisibility({ visibilityProperty: true }) && !at.closest('.visually-hidden, .skip')

  // 3.1.1, 2.4.2, 1.3.1: language, title, landmarks, headings, ids.
  if (document.documentElement.lang === '') findings.push('the page has no language')
  if (document.title === '') findings.push('the page has no title')
  for (const landmark of ['main', 'header', 'h1']) {
    if (document.querySelectorAll(landmark).length !== 1)
      findings.push(`there is not exactly one ${landmark}`)
  }
  let level = 0
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    if (!heading.checkVisibility()) continue
    const next = Number(heading.localName.slice(1))
    if (next > level + 1) findings.push(`${name(heading)} skips a level`)
    if ((heading.textContent ?? '').trim() === '') findings.push(`${name(heading)} is empty`)
    level = next
  }
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index)))
    findings.push(`two have the id ${id}`)
  for (const attribute of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'for']) {
    for (const at of document.querySelectorAll(`[${attribute}]`)) {
      for (const id of (at.getAttribute(attribute) ?? '').split(' ')) {
        if (!document.getElementById(id)) findings.push(`${name(at)}: ${attribute} leads nowhere`)
      }
    }
  }

  // 1.1.1, 4.1.2: names of what can be used or looked at.
  for (const at of document.querySelectorAll('input, select, textarea')) {
    const { labels } = /** @type {HTMLInputElement} */ (at)
    if ((labels?.length ?? 0) === 0 && !at.hasAttribute('aria-label'))
      findings.push(`${name(at)} has no label`)
  }
  for (const at of document.querySelectorAll('button, a, [role="application"]')) {
    const text = at.getAttribute('aria-label') ?? at.textContent ?? ''
    if (text.trim() === '') findings.push(`${name(at)} has no name`)
  }
  for (const at of document.querySelectorAll('img:not([alt])')) findings.push(`${name(at)} has no alt`)
  for (const at of document.querySelectorAll('body svg')) {
    const isNamed = at.getAttribute('role') === 'img' && (at.getAttribute('aria-label') ?? '') !== ''
    if (!isNamed && at.getAttribute('aria-hidden') !== 'true')
      findings.push(`${name(at)} is neither named nor hidden`)
  }
  for (const table of document.querySelectorAll('table')) {
    if ((table.caption?.textContent ?? '') === '') findings.push('a table has no caption')
    if (table.querySelector('th:not([scope])')) findings.push('a heading cell has no scope')
  }

  // 2.4.3: the order of the page is the order of the keyboard.
  for (const at of document.querySelectorAll('[tabindex]')) {
    if (/** @type {HTMLElement} */ (at).tabIndex > 0) findings.push(`${name(at)} jumps the queue`)
  }

  // 2.5.8: targets. Links inside text may be smaller, but not here.
  for (const at of document.querySelectorAll('button, input')) {
    if (!isVisible(at)) continue
    const box = at instanceof HTMLInputElement && at.type === 'checkbox' ? at.closest('label') : at
    const { width = 0, height = 0 } = box?.getBoundingClientRect() ?? {}
    if (width < MIN_TARGET_PIXELS || height < MIN_TARGET_PIXELS)
      findings.push(`${name(at)} is ${width} × ${height}`)
  }

  // 1.4.10: nothing to scroll sideways.
  const { scrollWidth, clientWidth } = document.documentElement
  if (scrollWidth > clientWidth)
    findings.push(`the page is ${scrollWidth} wide, in a window of ${clientWidth}`)

  // 1.4.3, 1.4.11: contrast of text and of marks with what is behind them.
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  /** Any notation of CSS, as red, green, blue and opacity. @param {string} color */
  const readColor = (color) => {
    if (!canvas) throw new Error('no canvas')
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data
    return { channels: [red, green, blue], alpha: alpha / 255 }
  }
  /** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance @param {number[]} channels */
  const luminance = (channels) => {
    const [red = 0, green = 0, blue = 0] = channels.map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  /** @param {Element} at */
  const background = (at) => {
    for (let behind = /** @type {Element | null} */ (at); behind; behind = behind.parentElement) {
      const { channels, alpha } = readColor(getComputedStyle(behind).backgroundColor)
      if (alpha === 1) return channels
    }
    return readColor(matchMedia('(prefers-color-scheme: dark)').matches ? '#121212' : '#ffffff').channels
  }
  /** @param {Element} at */
  const contrast = (at) => {
    const [a, b] = [luminance(readColor(getComputedStyle(at).color).channels), luminance(background(at))]
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
  }
  for (const at of document.querySelectorAll('body *')) {
    if (at.closest('svg') ? !at.matches('svg.mark') : ![...at.childNodes].some(isText)) continue
    if (!isVisible(at)) continue
    const wanted = at.matches('svg.mark') ? MIN_MARK_CONTRAST : MIN_TEXT_CONTRAST
    const found = contrast(at)
    if (found < wanted) findings.push(`${name(at)} has a contrast of ${found.toFixed(2)}`)
  }
  return findings

  /** @param {Node} node */
  function isText(node) {
    return node.nodeType === Node.TEXT_NODE && (node.textContent ?? '').trim() !== ''
  }
}
