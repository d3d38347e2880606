import { openPage } from '../../platform/live/page/shell.js'
import { openScreen } from '../../platform/live/page/view.js'
import { Board, OVER_MS, STATUSES } from './board.js'
import { detailsOf } from './details.js'
import { entriesOf } from './entries.js'
import { LOOKS, linesOf, spotsOf, trucksOf } from './marks.js'
import { NEEDS } from './needs.js'

// The board of freight: the loads that are open or were of late, who drives them, and what needs a person.

/** @typedef {import('../../platform/live/page/list.js').Entry} Entry */
/** @typedef {import('../../platform/live/page/shell.js').Session} Session */
/** @typedef {import('../../platform/live/page/shell.js').View} View */
/** @typedef {import('./board.js').Load} Load */

const TITLE = 'Muster live'
/** 2,000 open loads: more than any dispatcher has on a screen, and as much as a phone draws smoothly. */
const MAX_PAGES = 20
/** Of loads that are over, which are there to look back. */
const MAX_OVER_PAGES = 5

const screen = openScreen({
  statuses: STATUSES,
  shownAtFirst: ['in_transit', 'assigned', 'pending'],
  needs: NEEDS,
  nouns: ['load', 'loads'],
  title: TITLE,
  looks: LOOKS,
  legend: {
    late: 'Late at its next stop',
    uncovered: 'No driver, within 24 h',
    held: 'Held at a stop (2 h)',
    in_transit: 'In transit, next stop',
    assigned: 'Assigned',
    pending: 'No driver yet',
    truck: 'Truck',
    none: 'Another stop',
  },
  clusters: 'Loads at and near it',
})

/** @param {Session} session @returns {View} */
function openView(session) {
  const { api, read, record, tell, isClosed } = session
  const board = new Board()
  let isComplete = true

  /** @param {Entry[]} entries */
  const loadsOf = (entries) =>
    entries.map(({ id }) => board.loads.get(id)).filter((load) => load !== undefined)

  const shown = screen.openView(session, {
    timely: ['late', 'uncovered', 'held'],
    entries: (now) => entriesOf(board, now),
    nameOfSite: (id) => board.stops.get(id)?.name,
    name: ({ id }) => board.nameOf(/** @type {Load} */ (board.loads.get(id))),
    spots: (entries, now) => spotsOf(board, loadsOf(entries), now),
    lines: (entries) => linesOf(board, loadsOf(entries)),
    people: (entries, now) => trucksOf(board, loadsOf(entries), now),
    details(id, now) {
      const load = board.loads.get(id)
      return load ? detailsOf(board, load, now) : null
    },
    // All of its way: a truck is between two stops most of the time.
    places: (id) => board.stopsOf(id).map(({ place }) => place),
    notes: () => [isComplete ? '' : 'There is more than this page shows: only the first loads are here.'],
  })

  return {
    async read() {
      const now = Date.now()
      board.beginReading(now)
      const starts_after = new Date(now - OVER_MS).toISOString()
      const [open, over, drivers, trucks, brokers] = await Promise.all([
        api.list('/v1/freight/loads', { detailed: 'true', status: 'pending,assigned,in_transit' }, MAX_PAGES),
        api.list(
          '/v1/freight/loads',
          { detailed: 'true', status: 'delivered,invoiced,paid,cancelled', starts_after },
          MAX_OVER_PAGES,
        ),
        // Empty for who may not know them.
        api.list('/v1/freight/drivers', {}, MAX_PAGES),
        api.list('/v1/freight/trucks', {}, MAX_PAGES),
        api.list('/v1/freight/brokers', {}, MAX_PAGES),
      ])
      if (isClosed()) return async () => {}
      board.finishReading({
        loads: [...open.items, ...over.items],
        drivers: drivers.items,
        trucks: trucks.items,
        brokers: brokers.items,
      })
      isComplete = open.isComplete && over.isComplete
      return async () => {
        shown.render(Date.now())
        shown.fit()
        for (const visit of board.past()) record(visit)
        shown.tellFromNowOn(Date.now())
      }
    },
    abandon: () => board.abandonReading(),
    joined() {},

    /** @param {import('../../platform/live/page/feed.js').Change} change */
    change(change) {
      tell(board.apply(change))
      const { table, type, record } = change
      // Somebody new on the road: their name is in a list that no event brings.
      if (table === 'load_assignments' && type === 'INSERT' && !board.drivers.has(String(record.driver_id)))
        read()
    },
    position() {},
    render: (now) => shown.render(now),
    open: (id) => shown.open(id),
    close: () => shown.close(),
  }
}

await openPage({
  title: TITLE,
  tables: ['loads', 'load_stops', 'load_assignments', 'stop_events'],
  channel: '',
  describe: (me) => `${me.name} (${me.organization?.name ?? me.role})`,
  open: openView,
  focus: screen.focus,
})
