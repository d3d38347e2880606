// QR codes (ISO/IEC 18004), drawn as SVG: nothing of what is in them leaves the page.

import { drawing } from '../../live/page/dom.js'

/** qrcode-generator, as it is published. It is loaded when a code is shown. */
const LIBRARY = '/sign-in/qrcode.js'
/** ISO/IEC 18004, section 6.3.8: as many light modules around the code, or readers do not find it. */
const QUIET_ZONE = 4
/** Level M restores 15 % of a code: enough for a screen, and coarser than the higher levels. */
const CORRECTION = 'M'

/** @param {string} text @param {string} label for a screen reader */
export async function drawQrCode(text, label) {
  const { default: qrcode } = /** @type {{ default: typeof import('qrcode-generator') }} */ (
    await import(LIBRARY)
  )
  // 0: the smallest version that holds the text.
  const code = qrcode(0, CORRECTION)
  code.addData(text)
  code.make()
  const count = code.getModuleCount()
  let path = ''
  for (let row = 0; row < count; row += 1)
    for (let column = 0; column < count; column += 1)
      if (code.isDark(row, column)) path += `M${column + QUIET_ZONE} ${row + QUIET_ZONE}h1v1h-1z`
  const size = count + 2 * QUIET_ZONE
  return drawing(
    'svg',
    {
      class: 'qr-code',
      role: 'img',
      'aria-label': label,
      viewBox: `0 0 ${size} ${size}`,
      'shape-rendering': 'crispEdges',
    },
    drawing('path', { d: path }),
  )
}
