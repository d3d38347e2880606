import { byId, element, mark, setText } from './dom.js'
import { direction, distanceMeters, graticule, ringAround } from './geo.js'
import { CITIES } from './places.js'
import { distance } from './text.js'

// The map: outlines or tiles and the marks above them, by MapLibre; which marks there are is the board's. All that it shows is in
// the list too, so screen readers skip the marks, and a browser that draws no map misses nothing.

/** @typedef {import('./geo.js').Place} Place */
/** @typedef {import('maplibre-gl').Map} LibraryMap */
/** @typedef {import('maplibre-gl').GeoJSONSource} GeoJSONSource */
/** @typedef {import('maplibre-gl').LngLatLike} LngLat */
/** @typedef {import('geojson').Feature} Feature */
/**
 * Sites in one place, and what is there: items that can be selected.
 *
 * @typedef {object} Spot
 * @property {Place} place
 * @property {string[]} siteIds
 * @property {string} name
 * @property {number} radiusMeters
 * @property {string[]} itemIds
 * @property {() => string} describe its items, in words
 * @property {number} rank of the most urgent of its items: an index of the looks
 */
/**
 * Somebody on the map. `mark` is the name of the mark, `look` the classes of the element; `isSeenFromAfar`, or from near alone.
 * The place is known as exactly as `accuracyMeters`.
 *
 * @typedef {{ itemId: string, mark: string, look: string, place: Place, isSeenFromAfar: boolean, accuracyMeters: number }} Person
 */
/** The way of an item from place to place. @typedef {{ itemId: string, places: Place[] }} Line */
/** @typedef {{ spots: Spot[], people: Person[], lines: Line[], selectedId: string | null }} Shown */
/**
 * @typedef {object} MapOptions
 * @property {string[]} looks what a mark can look like, the most urgent first; the last is of a site without items
 * @property {(items: number) => string} count so many items, in words
 * @property {(siteIds: string[]) => void} onSites a tap on the mark of one site, or of several in one place
 */
/** @typedef {{ key: string, text: string, element: HTMLElement, marker: import('maplibre-gl').Marker }} Mark */

/** The library and its worker are large: only a page that has signed in asks for them. */
const LIBRARY = '/live/maplibre.js'
const WORKER = '/live/maplibre-worker.js'

const MIN_ZOOM = 3
/** The deepest that common tile servers have, which count zooms from tiles of half the size. */
const MAX_ZOOM = 18
const TILE_MAX_ZOOM = 19
/** One site alone does not fill the map. */
const MAX_FIT_ZOOM = 14
/** Until here sites whose marks would cover each other have one mark; deeper, each has its circle. */
const MAX_CLUSTER_ZOOM = 12
/** Marks are 28 wide, and stand on a site and not in the middle of their cluster. */
const CLUSTER_PIXELS = 48
/** From here on sites with items have their names, and a little deeper all do. */
const LABEL_ZOOM = 9.5
const EVERY_LABEL_ZOOM = 12
/** Who is seen from near alone is drawn where the mark does not lie on that of the site. */
const NEAR_ZOOM = 14.5
/** A selected site is seen with its circle. */
const REVEAL_ZOOM = 15
const FIT_MARGIN_PIXELS = 56
/** The buttons at the right, and half a mark. */
const BUTTONS_PIXELS = 72
/** About a hand's width between two lines. */
const GRATICULE_PIXELS = 150
const MOVE_MS = 300
/** Where there is nothing to show: the Netherlands. */
const HOME = /** @type {const} */ ([
  [3.3, 50.75],
  [7.2, 53.6],
])

/** Those that stand out from their neighbours, as the outlines name them. */
const HOME_COUNTRIES = ['Netherlands', 'United States of America']

/** The most urgent look of a cluster and the spot that has it are one number, of which the library keeps the smallest. */
const SPOTS_PER_RANK = 100_000

/** @param {Place} place @returns {[number, number]} */
const lngLat = ({ latitude, longitude }) => [longitude, latitude]
/** @param {Feature[]} features @returns {import('geojson').FeatureCollection} */
const collection = (features) => ({ type: 'FeatureCollection', features })
/** @param {import('geojson').Geometry} geometry @param {Record<string, unknown>} [properties] @returns {Feature} */
const feature = (geometry, properties = {}) => ({ type: 'Feature', geometry, properties })

/** @param {MapOptions} options */
export function openMap(options) {
  const container = byId('map')
  /** @type {Shown} */
  let shown = { spots: [], people: [], lines: [], selectedId: null }
  /** What follows once the map is there. @type {((drawn: ReturnType<typeof draw>) => void)[]} */
  let waiting = []
  /** @type {ReturnType<typeof draw> | null} */
  let drawn = null
  let isOpened = false

  /** @param {(drawn: ReturnType<typeof draw>) => void} act */
  const whenDrawn = (act) => void (drawn ? act(drawn) : waiting.push(act))

  async function open() {
    if (isOpened) return
    isOpened = true
    try {
      if (!document.createElement('canvas').getContext('webgl2')) {
        return fail(
          'This browser draws no map: it has no WebGL 2. The list has everything that the map would show.',
        )
      }
      const [library, settings] = await Promise.all([
        /** @type {Promise<typeof import('maplibre-gl')>} */ (import(LIBRARY)),
        fetch('/live/settings.json').then((response) => response.json()),
      ])
      allowWorker()
      library.setWorkerUrl(new URL(WORKER, location.href).href)
      drawn = draw(library, settings, container, { ...options, shown: () => shown })
      for (const act of waiting) act(drawn)
      waiting = []
    } catch (error) {
      console.error(error)
      fail('The map could not be drawn. The list has everything that it would show.')
    }
  }

  /** @param {string} text */
  function fail(text) {
    waiting = []
    byId('map-section').classList.add('failed')
    setText(byId('map-note'), text)
  }

  byId('zoom-in').addEventListener('click', () => drawn?.map.zoomIn())
  byId('zoom-out').addEventListener('click', () => drawn?.map.zoomOut())
  byId('fit').addEventListener('click', () => drawn?.fitAll())

  return {
    open,
    /** @param {Shown} wanted `selectedId`: of an item */
    show(wanted) {
      shown = wanted
      drawn?.update()
    },
    fitAll: () => whenDrawn(({ fitAll }) => fitAll()),
    /** Brings places into view. @param {Place[]} places */
    reveal: (places) => drawn?.reveal(places),
  }
}

/** The library makes its worker from a string, which `require-trusted-types-for` refuses: this one string is trusted, no other. */
function allowWorker() {
  const { trustedTypes } =
    /** @type {{ trustedTypes?: { createPolicy: (name: string, rules: object) => void } }} */ (
      /** @type {unknown} */ (globalThis)
    )
  const worker = new URL(WORKER, location.href).href
  trustedTypes?.createPolicy('default', {
    createScriptURL: (/** @type {string} */ url) => (url === worker ? url : null),
  })
}

/**
 * @param {typeof import('maplibre-gl')} library
 * @param {{ tile_url: string | null, tile_attribution: string }} settings
 * @param {HTMLElement} container
 * @param {MapOptions & { shown: () => Shown }} page
 */
function draw(library, { tile_url: tileUrl, tile_attribution: attribution }, container, page) {
  const map = new library.Map({
    container,
    style: {
      version: 8,
      sources: sources(tileUrl),
      layers: /** @type {import('maplibre-gl').LayerSpecification[]} */ (layers(tileUrl)),
    },
    bounds: /** @type {any} */ (HOME),
    minZoom: MIN_ZOOM,
    maxZoom: MAX_ZOOM,
    attributionControl: false,
    // North is up, as on the wall: a tilted or turned map helps nobody here.
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    // Names are elements of the page, so that no font is fetched.
    localIdeographFontFamily: false,
    // Tile servers want to know which site uses them, and need not know which page.
    transformRequest: (url, type) => ({ url, ...(type === 'Tile' && { referrerPolicy: 'origin' }) }),
  })
  map.touchZoomRotate.disableRotation()
  map.keyboard.disableRotation()
  map.addControl(new library.ScaleControl({ maxWidth: 120 }), 'bottom-left')
  setText(byId('attribution'), tileUrl === null ? 'Natural Earth' : attribution)
  const canvas = map.getCanvas()
  canvas.setAttribute('role', 'application')
  canvas.setAttribute('aria-label', 'Map of the sites')
  canvas.setAttribute('aria-describedby', 'map-help')

  let isLoaded = false
  /** As the library has them; a mark of the map names one by its index. */
  let spots = page.shown().spots
  let sent = ''
  /** @type {Map<string, Mark>} */
  const marks = new Map()
  /** @type {Map<string, { marker: import('maplibre-gl').Marker, look: string }>} */
  const people = new Map()
  const { looks } = page

  map.on('load', () => {
    isLoaded = true
    update()
    moved()
  })
  map.on('render', drawMarks)
  map.on('moveend', moved)
  map.on('move', drawGraticuleLabels)
  map.on('click', ({ originalEvent }) => {
    const at = /** @type {Element} */ (originalEvent.target).closest('.site')
    const key = at instanceof HTMLElement ? at.dataset.key : undefined
    if (key !== undefined) void openMark(key)
  })
  canvas.addEventListener('keydown', (event) => {
    if (event.key === '0' && !event.ctrlKey && !event.metaKey && !event.altKey) fitAll()
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const { id, paint } of layers(tileUrl)) {
      for (const [name, value] of Object.entries(paint))
        map.setPaintProperty(id, /** @type {any} */ (name), value)
    }
  })

  // ---- What the library draws ----------------------------------------------------------------------------------

  /** @param {string} id @param {Feature[]} features */
  const setData = (id, features) =>
    void (/** @type {GeoJSONSource | undefined} */ (map.getSource(id))?.setData(collection(features)))

  function update() {
    if (!isLoaded) return
    const { spots: wanted, people: persons, lines, selectedId } = page.shown()
    const points = wanted.map(({ place, rank, itemIds, siteIds }, index) =>
      feature(
        { type: 'Point', coordinates: lngLat(place) },
        { key: rank * SPOTS_PER_RANK + index, items: itemIds.length, sites: siteIds.length },
      ),
    )
    spots = wanted
    const areas = [
      ...wanted.map(({ place, radiusMeters }) => area(place, radiusMeters, 'site')),
      ...persons
        .filter(({ accuracyMeters }) => accuracyMeters > 0)
        .map(({ place, accuracyMeters }) => area(place, accuracyMeters, 'accuracy')),
    ]
    const ways = lines.map(({ itemId, places }) =>
      feature({ type: 'LineString', coordinates: places.map(lngLat) }, { isSelected: itemId === selectedId }),
    )
    const wantedData = JSON.stringify([points, areas, ways])
    if (wantedData !== sent) {
      sent = wantedData
      setData('sites', points)
      setData('dots', points)
      setData('areas', areas)
      setData('ways', ways)
    }
    drawMarks()
    drawPeople()
  }

  // ---- Marks: elements of the page above it ----------------------------------------------------------------------

  function drawMarks() {
    // While the library still counts, it has the old numbers.
    if (!isLoaded || !map.isSourceLoaded('sites')) return
    const { selectedId } = page.shown()
    const unused = new Map(marks)
    for (const { properties } of map.querySourceFeatures('sites')) {
      const { key: number, items = 0, sites = 1, cluster_id: cluster } = properties
      const spot = spots[number % SPOTS_PER_RANK]
      const look = looks[Math.floor(number / SPOTS_PER_RANK)]
      if (!spot || !look) continue
      const key = cluster === undefined ? `spot ${spot.siteIds[0]}` : `cluster ${cluster}`
      if (!unused.delete(key) && marks.has(key)) continue
      const isSelected = spot.itemIds.some((id) => id === selectedId)
      const isNamed = isSelected || map.getZoom() >= (spot.itemIds.length > 0 ? LABEL_ZOOM : EVERY_LABEL_ZOOM)
      const count = items > 1 ? String(items) : ''
      const name = sites > 1 && cluster !== undefined ? `${sites} sites` : spot.name
      const label = [count, isNamed ? name : ''].filter(Boolean).join(' · ')
      const title = cluster === undefined ? `${name}: ${spot.describe()}` : `${name}, ${page.count(items)}`
      const text = JSON.stringify([look, label, title, isSelected])
      const made = marks.get(key) ?? makeMark(key, spot)
      // At the site that needs a person most, and not between the sites, where nobody is.
      made.marker.setLngLat(lngLat(spot.place))
      if (made.text === text) continue
      made.text = text
      made.element.title = title
      made.element.dataset.sites = cluster === undefined ? spot.siteIds.join(' ') : ''
      for (const name of [...looks, 'selected', 'cluster']) {
        made.element.classList.toggle(
          name,
          name === look || (name === 'selected' && isSelected) || (name === 'cluster' && sites > 1),
        )
      }
      // What needs a person lies on top.
      made.element.style.zIndex = String(isSelected ? looks.length + 1 : looks.length - looks.indexOf(look))
      made.element.replaceChildren(
        // The library draws the dot of a site that has no items; here is what can be tapped.
        element('span', { class: 'halo' }, ...(look === looks.at(-1) ? [] : [mark(look)])),
        element('span', { class: 'label' }, label),
      )
    }
    for (const [key, { marker }] of unused) {
      marker.remove()
      marks.delete(key)
    }
  }

  /** @param {string} key @param {Spot} spot @returns {Mark} */
  function makeMark(key, spot) {
    const at = element('div', { class: 'site', 'aria-hidden': 'true', 'data-key': key })
    const marker = new library.Marker({ element: at }).setLngLat(lngLat(spot.place)).addTo(map)
    const made = { key, text: '', element: at, marker }
    marks.set(key, made)
    return made
  }

  /** @param {string} key */
  async function openMark(key) {
    const [kind, id = ''] = key.split(' ')
    if (kind === 'spot') return page.onSites(spots.find(({ siteIds }) => siteIds[0] === id)?.siteIds ?? [])
    const source = /** @type {GeoJSONSource} */ (map.getSource('sites'))
    const leaves = await source.getClusterLeaves(Number(id), Number.POSITIVE_INFINITY, 0).catch(() => [])
    fitTo(
      leaves.map(
        ({ geometry }) => /** @type {[number, number]} */ (/** @type {any} */ (geometry).coordinates),
      ),
      MAX_ZOOM,
    )
  }

  function drawPeople() {
    const unused = new Map(people)
    for (const { itemId, mark: name, look, place, isSeenFromAfar } of page.shown().people) {
      if (!isSeenFromAfar && map.getZoom() < NEAR_ZOOM) continue
      const key = `${name} ${itemId}`
      let person = unused.get(key)
      unused.delete(key)
      if (!person) {
        const at = element('div', { class: 'person', 'aria-hidden': 'true', 'data-item': itemId }, mark(name))
        person = { marker: new library.Marker({ element: at }).setLngLat(lngLat(place)).addTo(map), look: '' }
        people.set(key, person)
      }
      person.marker.setLngLat(lngLat(place))
      const { classList, dataset } = person.marker.getElement()
      if (person.look !== look) {
        // The library has classes of its own there.
        classList.remove(...person.look.split(' ').filter(Boolean))
        classList.add(...look.split(' '))
        person.look = look
      }
      dataset.latitude = String(place.latitude)
      dataset.longitude = String(place.longitude)
    }
    for (const [key, { marker }] of unused) {
      marker.remove()
      people.delete(key)
    }
  }

  // ---- To find one's way where no streets are shown ---------------------------------------------------------------

  const cities = (tileUrl === null ? CITIES : []).map(([name, latitude, longitude, from]) => {
    const at = element('div', { class: 'city', 'aria-hidden': 'true' }, element('span', {}, name))
    new library.Marker({ element: at, anchor: 'left' }).setLngLat([longitude, latitude]).addTo(map)
    return { at, from }
  })
  /** @type {{ at: HTMLElement, axis: 'x' | 'y', degrees: number }[]} */
  let labels = []

  function moved() {
    for (const { at, from } of cities) at.hidden = map.getZoom() + 1 < from
    drawPeople()
    if (tileUrl !== null || !isLoaded) return
    const { lat: latitude, lng: longitude } = map.getCenter()
    const center = { latitude, longitude }
    const near = CITIES.map(([name, lat, lng]) => ({ name, place: { latitude: lat, longitude: lng } }))
      .map(({ name, place }) => ({
        name,
        meters: distanceMeters(place, center),
        wind: direction(place, center),
      }))
      .reduce((a, b) => (b.meters < a.meters ? b : a))
    setText(byId('where'), `Middle: ${distance(near.meters)} ${near.wind} of ${near.name} ·`)
    drawGraticule()
  }

  function drawGraticule() {
    const bounds = map.getBounds()
    const [west, east, south, north] = [
      bounds.getWest(),
      bounds.getEast(),
      bounds.getSouth(),
      bounds.getNorth(),
    ]
    const { clientWidth, clientHeight } = container
    const meridians = graticule(west, east, clientWidth / GRATICULE_PIXELS)
    const parallels = graticule(south, north, clientHeight / GRATICULE_PIXELS)
    // A little beyond what is seen, for the while that the map moves.
    const [dx, dy] = [east - west, north - south]
    const line = (/** @type {number[][]} */ coordinates) => feature({ type: 'LineString', coordinates })
    setData('graticule', [
      ...meridians.map(Number).map((x) =>
        line([
          [x, south - dy],
          [x, north + dy],
        ]),
      ),
      ...parallels.map(Number).map((y) =>
        line([
          [west - dx, y],
          [east + dx, y],
        ]),
      ),
    ])
    labels = [
      ...meridians.map((text) => label('x', text, Number(text) < 0 ? 'W' : 'E')),
      ...parallels.map((text) => label('y', text, Number(text) < 0 ? 'S' : 'N')),
    ]
    byId('graticule').replaceChildren(...labels.map(({ at }) => at))
    drawGraticuleLabels()
  }

  /** @param {'x' | 'y'} axis @param {string} text @param {string} side */
  const label = (axis, text, side) => ({
    at: element('span', { class: axis }, `${text.replace('-', '')}° ${side}`),
    axis,
    degrees: Number(text),
  })

  function drawGraticuleLabels() {
    const { lat, lng } = map.getCenter()
    for (const { at, axis, degrees } of labels) {
      const { x, y } = map.project(axis === 'x' ? [degrees, lat] : [lng, degrees])
      at.style.transform = axis === 'x' ? `translate(${x}px, 0)` : `translate(0, ${y}px)`
    }
  }

  // ---- Moving -------------------------------------------------------------------------------------------------

  /** What the legend hides of the map, in pixels from the left: not more than leaves room for the rest. */
  const covered = () => {
    const width = byId('legend').hasAttribute('open') ? byId('legend').offsetWidth : 0
    return width < container.clientWidth / 2 ? width : 0
  }

  /** @param {[number, number][]} places @param {number} maxZoom @param {number} bottom pixels that something else hides */
  function fitTo(places, maxZoom = MAX_FIT_ZOOM, bottom = FIT_MARGIN_PIXELS) {
    const [first] = places
    const bounds = first
      ? places.reduce((around, place) => around.extend(place), new library.LngLatBounds(first, first))
      : /** @type {any} */ (HOME)
    const [top, right, left] = [FIT_MARGIN_PIXELS, BUTTONS_PIXELS, covered() + FIT_MARGIN_PIXELS]
    map.fitBounds(bounds, { padding: { top, right, bottom, left }, maxZoom, duration: MOVE_MS })
  }

  function fitAll() {
    const { spots: all } = page.shown()
    const wanted = all.filter(({ itemIds }) => itemIds.length > 0)
    fitTo((wanted.length > 0 ? wanted : all).map(({ place }) => lngLat(place)))
  }

  return {
    map,
    update,
    fitAll,
    /** @param {Place[]} places */
    reveal(places) {
      const [first] = places
      if (!first) return
      // Beside the legend, and above the details, which lie on the lower part of the map.
      const offset = /** @type {[number, number]} */ ([covered() / 2, -container.clientHeight / 5])
      const zoom = Math.max(map.getZoom(), REVEAL_ZOOM)
      if (places.length === 1)
        return void map.easeTo({ center: lngLat(first), zoom, offset, duration: MOVE_MS })
      fitTo(places.map(lngLat), REVEAL_ZOOM, container.clientHeight / 2)
    },
  }
}

/** @param {Place} place @param {number} meters @param {string} kind */
const area = (place, meters, kind) =>
  feature({ type: 'Polygon', coordinates: [ringAround(place, meters)] }, { kind })

/** @param {string | null} tileUrl @returns {Record<string, import('maplibre-gl').SourceSpecification>} */
function sources(tileUrl) {
  const geojson = (/** @type {object} */ more = {}) =>
    /** @type {import('maplibre-gl').GeoJSONSourceSpecification} */ ({
      type: 'geojson',
      data: collection([]),
      ...more,
    })
  return {
    ...(tileUrl === null
      ? { outlines: geojson({ data: '/live/outlines.json' }), graticule: geojson() }
      : { tiles: { type: 'raster', tiles: [tileUrl], tileSize: 256, maxzoom: TILE_MAX_ZOOM } }),
    areas: geojson(),
    ways: geojson(),
    dots: geojson(),
    sites: geojson({
      cluster: true,
      clusterRadius: CLUSTER_PIXELS,
      clusterMaxZoom: MAX_CLUSTER_ZOOM,
      clusterMinPoints: 2,
      clusterProperties: {
        key: ['min', ['get', 'key']],
        items: ['+', ['get', 'items']],
        sites: ['+', ['get', 'sites']],
      },
    }),
  }
}

/** In the colours of the page. @param {string | null} tileUrl */
function layers(tileUrl) {
  const style = getComputedStyle(document.documentElement)
  const color = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim()
  const isKind = (/** @type {string} */ kind) => ['==', ['get', 'kind'], kind]
  /** @param {string} id @param {string} type @param {string} source @param {Record<string, unknown>} paint @param {object} [more] */
  const layer = (id, type, source, paint, more) => ({ id, type, source, paint, ...more })
  const base =
    tileUrl === null
      ? [
          layer('land', 'fill', 'outlines', {
            'fill-color': ['match', ['get', 'name'], HOME_COUNTRIES, color('land'), color('abroad')],
          }),
          layer('borders', 'line', 'outlines', { 'line-color': color('border'), 'line-width': 1 }),
          layer('graticule', 'line', 'graticule', { 'line-color': color('border'), 'line-opacity': 0.4 }),
        ]
      : [layer('tiles', 'raster', 'tiles', {})]
  return [
    { id: 'sea', type: 'background', paint: { 'background-color': color('sea') } },
    ...base,
    layer(
      'radii',
      'fill',
      'areas',
      { 'fill-color': color('blue'), 'fill-opacity': 0.12 },
      { minzoom: MAX_CLUSTER_ZOOM, filter: isKind('site') },
    ),
    layer(
      'radius-edges',
      'line',
      'areas',
      { 'line-color': color('blue'), 'line-dasharray': [4, 3] },
      { minzoom: MAX_CLUSTER_ZOOM, filter: isKind('site') },
    ),
    layer(
      'accuracies',
      'fill',
      'areas',
      { 'fill-color': color('position'), 'fill-opacity': 0.15 },
      { filter: isKind('accuracy') },
    ),
    layer('ways', 'line', 'ways', {
      'line-color': ['case', ['get', 'isSelected'], color('link'), color('none')],
      'line-width': ['case', ['get', 'isSelected'], 3.5, 1.5],
      'line-opacity': ['case', ['get', 'isSelected'], 1, 0.6],
    }),
    // Every site has its dot where it is, also below the mark of a cluster.
    layer('dots', 'circle', 'dots', {
      'circle-radius': 3.5,
      'circle-color': color('none'),
      'circle-stroke-color': color('hole'),
      'circle-stroke-width': 1,
    }),
    // Draws nothing: the library loads a source only where a layer uses it.
    layer('sites', 'circle', 'sites', { 'circle-opacity': 0 }),
  ]
}
