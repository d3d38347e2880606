import { STATUSES } from './board.js'
import { byId, drawing, element } from './dom.js'
import { metersPerPixel, project, TILE_SIZE, unproject } from './geo.js'
import { groupNear } from './group.js'
import { CITIES } from './places.js'
import { STALE_AFTER_MS } from './words.js'

// The map: outlines or tiles below, marks above. All that it shows is in the list too, so screen readers skip it.

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Shift} Shift */
/** @typedef {import('./geo.js').Place} Place */
/** @typedef {import('./geo.js').Point} Point */
/** @typedef {{ siteId: string, place: Place, name: string, radiusMeters: number, shifts: Shift[], hasIncident: boolean }} Spot */

const MIN_ZOOM = 4
/** The deepest that common tile servers have. */
const MAX_ZOOM = 19
/** One site alone does not fill the map. */
const MAX_FIT_ZOOM = 15
/** From here on sites stand by themselves, with the circle in which a check-in counts. */
const SINGLE_ZOOM = 14
/** From here on sites with shifts have their names, and a little deeper all do. */
const LABEL_ZOOM = 10.5
const EVERY_LABEL_ZOOM = 13
/** Marks nearer than this are one mark, with the number of its shifts. */
const MARK_PIXELS = 40
/** What lies in one place is one mark at any zoom. */
const SAME_PLACE_PIXELS = 1
/** Last check-ins are drawn where they do not lie on the mark of the site. */
const CHECK_IN_ZOOM = 15.5
/** A selected site is seen with its circle. */
const REVEAL_ZOOM = 16
const FIT_MARGIN_PIXELS = 48
const KEY_PAN_PIXELS = 80
const WHEEL_PIXELS_PER_ZOOM = 240
/** A finger trembles: a shorter way is a tap. */
const TAP_PIXELS = 6
/** Where there is nothing to show: the Netherlands. */
const HOME = [
  { latitude: 50.75, longitude: 3.3 },
  { latitude: 53.6, longitude: 7.2 },
]
/** Outlines are drawn around here: far from the origin, single-precision coordinates are off by pixels at high zoom. */
const ORIGIN = project({ latitude: 52.2, longitude: 5.3 })
/** Units of the outlines in the world's width. */
const OUTLINE_UNITS = 100_000

/** @type {(keyof typeof STATUSES)[]} */
const URGENCY = ['active', 'assigned', 'published', 'draft', 'completed', 'cancelled']

/**
 * @param {{ onSites: (siteIds: string[]) => void }} listeners a tap on the mark of one site, or of several in one place
 */
export function openMap({ onSites }) {
  const container = byId('map')
  const svg = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (byId('drawing')))
  const tiles = byId('tiles')
  const scale = byId('scale')
  const layers = {
    outlines: drawing('g', { class: 'outlines' }),
    cities: drawing('g', { class: 'cities' }),
    circles: drawing('g', { class: 'circles' }),
    sites: drawing('g', { class: 'sites' }),
    checkIns: drawing('g', { class: 'check-ins' }),
    positions: drawing('g', { class: 'positions' }),
  }
  svg.append(...Object.values(layers))
  // Without this script there is nothing here to reach by keyboard.
  container.tabIndex = 0

  let size = { width: 0, height: 0 }
  let zoom = 7
  let center = ORIGIN
  /** @type {{ spots: Spot[], board: Board | null, selected: Shift | null }} */
  let shown = { spots: [], board: null, selected: null }
  /** @type {string | null} */
  let tileUrl = null
  let isScheduled = false

  const worldPixels = () => TILE_SIZE * 2 ** zoom
  /** @param {Point} point @returns {Point} in pixels of the map */
  const toPixels = ({ x, y }) => ({
    x: (x - center.x) * worldPixels() + size.width / 2,
    y: (y - center.y) * worldPixels() + size.height / 2,
  })
  /** @param {Place} place @returns {Point} in pixels of the map */
  const locate = (place) => toPixels(project(place))
  /** @param {Point} at @param {number} margin */
  const isInView = ({ x, y }, margin) =>
    x > -margin && y > -margin && x < size.width + margin && y < size.height + margin

  // ---- Drawing ------------------------------------------------------------------------------------------------

  function schedule() {
    if (isScheduled) return
    isScheduled = true
    requestAnimationFrame(() => {
      isScheduled = false
      draw()
    })
  }

  function draw() {
    if (size.width === 0) return
    svg.setAttribute('viewBox', `0 0 ${size.width} ${size.height}`)
    drawBase()
    const inView = marksInView()
    drawCities(inView.map(({ at }) => at))
    drawSites(inView)
    drawPeople()
    drawScale()
  }

  function drawBase() {
    const { x, y } = toPixels(ORIGIN)
    layers.outlines.setAttribute('transform', `translate(${x} ${y}) scale(${worldPixels() / OUTLINE_UNITS})`)
    layers.outlines.toggleAttribute('hidden', tileUrl !== null)
    if (tileUrl !== null) drawTiles(tileUrl)
  }

  /** @param {string} url */
  function drawTiles(url) {
    const level = Math.min(Math.max(Math.round(zoom), 0), MAX_ZOOM)
    const count = 2 ** level
    const side = worldPixels() / count
    const left = center.x * worldPixels() - size.width / 2
    const top = center.y * worldPixels() - size.height / 2
    const unused = new Map(
      [...tiles.children].map((tile) => [/** @type {HTMLElement} */ (tile).dataset.key, tile]),
    )
    for (let row = Math.floor(top / side); row * side < top + size.height; row += 1) {
      for (let column = Math.floor(left / side); column * side < left + size.width; column += 1) {
        if (row < 0 || row >= count) continue
        const key = `${level}/${column}/${row}`
        let tile = /** @type {HTMLImageElement | undefined} */ (unused.get(key))
        if (tile) unused.delete(key)
        else {
          tile = element('img', { alt: '', 'data-key': key })
          // Tile servers want to know which site uses them, and need not know which page.
          tile.referrerPolicy = 'origin'
          tile.src = url
            .replace('{z}', String(level))
            .replace('{x}', String(((column % count) + count) % count))
            .replace('{y}', String(row))
          tiles.append(tile)
        }
        tile.style.transform = `translate(${column * side - left}px, ${row * side - top}px)`
        tile.style.width = tile.style.height = `${side}px`
      }
    }
    for (const tile of unused.values()) tile.remove()
  }

  /** @param {Point[]} taken where marks stand, which a name must not run into */
  function drawCities(taken) {
    const labels = tileUrl === null ? CITIES.filter(([, , , from]) => zoom >= from) : []
    layers.cities.replaceChildren(
      ...labels.flatMap(([name, latitude, longitude]) => {
        const at = locate({ latitude, longitude })
        const isTaken = taken.some(({ x, y }) => Math.abs(y - at.y) < 18 && x - at.x > -18 && x - at.x < 70)
        if (isTaken || !isInView(at, MARK_PIXELS)) return []
        return [
          drawing('circle', { cx: at.x, cy: at.y, r: 2 }),
          drawing('text', { x: at.x + 5, y: at.y + 4 }, name),
        ]
      }),
    )
  }

  /** What stands on the map: kept while it is only moved. */
  let marks = { zoom: Number.NaN, spots: shown.spots, groups: groupNear(shown.spots, pointOfSpot, 1) }

  /** @returns {{ at: Point, spots: Spot[] }[]} those in view */
  function marksInView() {
    if (marks.zoom !== zoom || marks.spots !== shown.spots) {
      const { spots } = shown
      const pixels = zoom < SINGLE_ZOOM ? MARK_PIXELS : SAME_PLACE_PIXELS
      marks = { zoom, spots, groups: groupNear(spots, pointOfSpot, pixels / worldPixels()) }
    }
    return marks.groups
      .map(({ point, items }) => ({ at: toPixels(point), spots: items }))
      .filter(({ at }) => isInView(at, MARK_PIXELS))
  }

  /** @param {{ at: Point, spots: Spot[] }[]} inView */
  function drawSites(inView) {
    const { selected } = shown
    const perPixel = metersPerPixel(unproject(center).latitude, zoom)
    layers.circles.replaceChildren(
      ...(zoom < SINGLE_ZOOM
        ? []
        : inView.map(({ at, spots }) =>
            drawing('circle', { cx: at.x, cy: at.y, r: (spots[0]?.radiusMeters ?? 0) / perPixel }),
          )),
    )
    const drawn = inView.map(({ at, spots }) => {
      const shifts = spots.flatMap((spot) => spot.shifts)
      const status = URGENCY.find((candidate) => shifts.some((shift) => shift.status === candidate)) ?? 'none'
      const isSelected = selected !== null && shifts.some(({ id }) => id === selected.id)
      const name = spots.length === 1 ? (spots[0]?.name ?? '') : `${spots.length} sites`
      const made = drawing(
        'g',
        {
          class: `site ${status}${isSelected ? ' selected' : ''}`,
          transform: `translate(${at.x} ${at.y})`,
          'data-sites': spots.map(({ siteId }) => siteId).join(' '),
        },
        drawing('title', {}, `${name}: ${describe(shifts)}`),
        drawing('circle', { class: 'halo', r: 14 }),
        drawing('use', { href: `#mark-${status}`, x: -12, y: -12, width: 24, height: 24 }),
      )
      if (spots.some(({ hasIncident }) => hasIncident)) {
        made.append(
          drawing('use', { class: 'incident', href: '#mark-incident', x: 3, y: -20, width: 16, height: 16 }),
        )
      }
      const isNamed = isSelected || zoom >= (shifts.length > 0 ? LABEL_ZOOM : EVERY_LABEL_ZOOM)
      const label = isNamed ? name : ''
      const count = shifts.length > 1 ? String(shifts.length) : ''
      made.append(drawing('text', { x: 16, y: 5 }, [count, label].filter(Boolean).join(' · ')))
      return { made, isSelected, rank: status === 'none' ? URGENCY.length : URGENCY.indexOf(status) }
    })
    // What matters most comes last, and so lies on top.
    drawn.sort((a, b) => Number(a.isSelected) - Number(b.isSelected) || b.rank - a.rank)
    layers.sites.replaceChildren(...drawn.map(({ made }) => made))
  }

  /** Where guards are: live, or where they checked in last. */
  function drawPeople() {
    const { board } = shown
    if (!board) return
    const ids = new Set(shown.spots.flatMap(({ shifts }) => shifts.map(({ id }) => id)))
    /** @type {SVGElement[]} */
    const checkIns = []
    for (const { shift_id: shiftId, place, verdict } of board.checkIns.values()) {
      const isActive = board.shifts.get(shiftId)?.status === 'active'
      if (!place || !isActive || !ids.has(shiftId) || board.positions.has(shiftId) || zoom < CHECK_IN_ZOOM)
        continue
      const { x, y } = locate(place)
      checkIns.push(
        drawing('use', {
          class: verdict,
          href: `#mark-${verdict}`,
          x: x - 9,
          y: y - 9,
          width: 18,
          height: 18,
        }),
      )
    }
    layers.checkIns.replaceChildren(...checkIns)

    /** @type {SVGElement[]} */
    const positions = []
    for (const [shiftId, { place, accuracyMeters, at }] of board.positions) {
      if (!ids.has(shiftId)) continue
      const { x, y } = locate(place)
      const made = drawing('g', {
        class: Date.now() - at > STALE_AFTER_MS ? 'position stale' : 'position',
        transform: `translate(${x} ${y})`,
        'data-shift': shiftId,
        'data-latitude': place.latitude,
        'data-longitude': place.longitude,
      })
      const radius = (accuracyMeters ?? 0) / metersPerPixel(place.latitude, zoom)
      if (radius > 10) made.append(drawing('circle', { class: 'accuracy', r: radius }))
      made.append(drawing('use', { href: '#mark-position', x: -10, y: -10, width: 20, height: 20 }))
      positions.push(made)
    }
    layers.positions.replaceChildren(...positions)
  }

  function drawScale() {
    const perPixel = metersPerPixel(unproject(center).latitude, zoom)
    const most = perPixel * 120
    const power = 10 ** Math.floor(Math.log10(most))
    const meters = ([5, 2, 1].find((step) => step * power <= most) ?? 1) * power
    scale.style.width = `${meters / perPixel}px`
    scale.textContent = meters < 1_000 ? `${meters} m` : `${meters / 1_000} km`
  }

  // ---- Moving -------------------------------------------------------------------------------------------------

  /** @param {number} dx @param {number} dy in pixels, of the view over the map */
  function pan(dx, dy) {
    const { x, y } = center
    center = {
      x: (((x + dx / worldPixels()) % 1) + 1) % 1,
      y: Math.min(Math.max(y + dy / worldPixels(), 0), 1),
    }
    schedule()
  }

  /** @param {number} to @param {Point} [around] in pixels of the map: what lies there stays there */
  function zoomTo(to, around = { x: size.width / 2, y: size.height / 2 }) {
    const dx = around.x - size.width / 2
    const dy = around.y - size.height / 2
    pan(dx, dy)
    zoom = Math.min(Math.max(to, MIN_ZOOM), MAX_ZOOM)
    pan(-dx, -dy)
  }

  /** @param {Place[]} places */
  function fitTo(places) {
    const points = (places.length > 0 ? places : HOME).map(project)
    const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)]
    const [west, east, north, south] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
    center = { x: (west + east) / 2, y: (north + south) / 2 }
    const room = (/** @type {number} */ pixels) =>
      Math.max(pixels - 2 * FIT_MARGIN_PIXELS, TILE_SIZE / 4) / TILE_SIZE
    const fitting = Math.min(
      Math.log2(room(size.width) / Math.max(east - west, Number.EPSILON)),
      Math.log2(room(size.height) / Math.max(south - north, Number.EPSILON)),
    )
    zoom = Math.min(Math.max(fitting, MIN_ZOOM), MAX_FIT_ZOOM)
    schedule()
  }

  const fitAll = () => {
    const wanted = shown.spots.filter(({ shifts }) => shifts.length > 0)
    fitTo((wanted.length > 0 ? wanted : shown.spots).map(({ place }) => place))
  }

  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowLeft: () => pan(-KEY_PAN_PIXELS, 0),
    ArrowRight: () => pan(KEY_PAN_PIXELS, 0),
    ArrowUp: () => pan(0, -KEY_PAN_PIXELS),
    ArrowDown: () => pan(0, KEY_PAN_PIXELS),
    '+': () => zoomTo(zoom + 1),
    '=': () => zoomTo(zoom + 1),
    '-': () => zoomTo(zoom - 1),
    0: fitAll,
  }
  container.addEventListener('keydown', (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key]
    if (!act) return
    event.preventDefault()
    act()
  })

  /** Fingers and pens that are down. @type {Map<number, Point>} */
  const pointers = new Map()
  let travelled = 0
  /** @param {MouseEvent} event @returns {Point} */
  const pointOf = (event) => {
    const { left, top } = container.getBoundingClientRect()
    return { x: event.clientX - left, y: event.clientY - top }
  }
  /** The middle of the pointers, and how far the first two are apart. */
  const pinch = () => {
    const [a, b = a] = pointers.values()
    if (!a || !b) return { middle: { x: 0, y: 0 }, spread: 0 }
    return { middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }, spread: Math.hypot(a.x - b.x, a.y - b.y) }
  }
  container.addEventListener('pointerdown', (event) => {
    if (pointers.size === 0) travelled = 0
    pointers.set(event.pointerId, pointOf(event))
    container.setPointerCapture(event.pointerId)
  })
  container.addEventListener('pointermove', (event) => {
    if (!pointers.has(event.pointerId)) return
    const before = pinch()
    pointers.set(event.pointerId, pointOf(event))
    const after = pinch()
    const [dx, dy] = [before.middle.x - after.middle.x, before.middle.y - after.middle.y]
    travelled += Math.hypot(dx, dy) + Math.abs(after.spread - before.spread)
    pan(dx, dy)
    if (before.spread > 0 && after.spread > 0)
      zoomTo(zoom + Math.log2(after.spread / before.spread), after.middle)
  })
  container.addEventListener('pointerup', (event) => {
    pointers.delete(event.pointerId)
    if (pointers.size > 0 || travelled > TAP_PIXELS) return
    // The pointer is captured, so the event's target is the map itself.
    const site = document.elementFromPoint(event.clientX, event.clientY)?.closest('.site')
    const siteIds = /** @type {SVGElement | null | undefined} */ (site)?.dataset.sites?.split(' ')
    if (siteIds) openSites(siteIds)
  })
  container.addEventListener('pointercancel', (event) => pointers.delete(event.pointerId))
  container.addEventListener('dblclick', (event) => zoomTo(zoom + 1, pointOf(event)))
  container.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault()
      zoomTo(zoom - event.deltaY / WHEEL_PIXELS_PER_ZOOM, pointOf(event))
    },
    { passive: false },
  )

  /** @param {string[]} siteIds */
  function openSites(siteIds) {
    const spots = shown.spots.filter(({ siteId }) => siteIds.includes(siteId))
    const isOnePlace = new Set(spots.map(({ place }) => `${place.latitude},${place.longitude}`)).size === 1
    if (isOnePlace) onSites(siteIds)
    else fitTo(spots.map(({ place }) => place))
  }

  byId('zoom-in').addEventListener('click', () => zoomTo(zoom + 1))
  byId('zoom-out').addEventListener('click', () => zoomTo(zoom - 1))
  byId('fit').addEventListener('click', fitAll)
  new ResizeObserver(([entry]) => {
    if (!entry || entry.contentRect.width === 0) return
    const isFirst = size.width === 0
    size = { width: entry.contentRect.width, height: entry.contentRect.height }
    if (isFirst) fitAll()
    schedule()
  }).observe(container)

  return {
    /** @param {Board} board @param {Shift[]} shifts those that pass the filters @param {Shift | null} selected */
    show(board, shifts, selected) {
      shown = { spots: spotsOf(board, shifts), board, selected }
      schedule()
    },
    fitAll,
    /** Brings a place into view. @param {Place} place */
    reveal(place) {
      center = project(place)
      zoom = Math.max(zoom, REVEAL_ZOOM)
      schedule()
    },
    /** Reads what lies below the marks. */
    async loadBase() {
      /** @type {{ tile_url: string | null, tile_attribution: string }} */
      const { tile_url, tile_attribution } = await (await fetch('/live/settings.json')).json()
      tileUrl = tile_url
      byId('attribution').textContent = tile_url === null ? 'Natural Earth' : tile_attribution
      if (tile_url === null) await drawOutlines(layers.outlines)
      schedule()
    },
  }
}

/** @param {SVGGElement} layer */
async function drawOutlines(layer) {
  /** @type {import('geojson').FeatureCollection<import('geojson').MultiPolygon, { name: string }>} */
  const { features } = await (await fetch('/live/outlines.json')).json()
  for (const { geometry, properties } of features) {
    const path = geometry.coordinates.flat().map(
      (ring) =>
        `M${ring
          .map(([longitude = 0, latitude = 0]) => {
            const { x, y } = project({ latitude, longitude })
            return `${((x - ORIGIN.x) * OUTLINE_UNITS).toFixed(3)} ${((y - ORIGIN.y) * OUTLINE_UNITS).toFixed(3)}`
          })
          .join('L')}Z`,
    )
    layer.append(
      drawing('path', { d: path.join(''), class: properties.name === 'Netherlands' ? 'home' : 'abroad' }),
    )
  }
}

/** @param {Spot} spot */
const pointOfSpot = ({ place }) => project(place)

/** Sites with their shifts; a shift whose site one does not see stands where it is itself. @param {Board} board @param {Shift[]} shifts */
function spotsOf(board, shifts) {
  /** @type {Map<string, Spot>} */
  const spots = new Map()
  const withIncident = new Set([...board.incidents.values()].map(({ shift_id }) => shift_id))
  for (const { id, place, name, radius_meters } of board.sites.values()) {
    if (place)
      spots.set(id, { siteId: id, place, name, radiusMeters: radius_meters, shifts: [], hasIncident: false })
  }
  for (const shift of shifts) {
    const { location_id: siteId, place, title } = shift
    const spot =
      spots.get(siteId) ??
      (place && { siteId, place, name: title, radiusMeters: 0, shifts: [], hasIncident: false })
    if (!spot) continue
    spot.shifts.push(shift)
    spot.hasIncident ||= withIncident.has(shift.id)
    spots.set(siteId, spot)
  }
  return [...spots.values()]
}

/** @param {Shift[]} shifts */
function describe(shifts) {
  const counts = URGENCY.map((status) => [shifts.filter((shift) => shift.status === status).length, status])
  const parts = counts.filter(([count]) => count !== 0)
  if (parts.length === 0) return 'no shifts shown'
  return parts
    .map(
      ([count, status]) =>
        `${count} ${STATUSES[/** @type {keyof typeof STATUSES} */ (status)].toLowerCase()}`,
    )
    .join(', ')
}
