// Runs in Node and inside a page, so it uses nothing from outside of its function.

/**
 * What an app does with supabase-js, as functions that any version of it can run, and that give what the app saw.
 *
 * @param {object} parts
 * @param {typeof import('@supabase/supabase-js').createClient} parts.createClient
 * @param {string} parts.url
 * @param {{ publishable: string, anon: string }} parts.keys
 * @param {{ accessToken: boolean, privateChannels: boolean, binary: boolean, httpSend: boolean,
 *   binaryHttp: boolean, tracksAnew: boolean, wait: boolean }} parts.knows
 *   what this version can do
 * @param {number} parts.patienceMs how long it waits for what must come
 * @param {number} parts.tokenSeconds how long a token lasts whose end is waited for: longer than joining a channel takes
 * @param {(name: string, ...parameters: unknown[]) => Promise<unknown>} parts.act does something at the other end
 */
export function makeClientScenarios({ createClient, url, keys, knows, patienceMs, tokenSeconds, act }) {
  const LOOK_EVERY_MS = 10
  /** @type {ReturnType<typeof createClient>[]} */
  const clients = []

  /**
   * @param {() => unknown} condition
   * @param {() => unknown} [seen] what there is instead, for the message
   */
  async function until(condition, seen) {
    const deadline = Date.now() + patienceMs
    while (!condition()) {
      if (Date.now() > deadline)
        throw new Error(`It did not come: ${condition}${seen ? `; ${JSON.stringify(seen())}` : ''}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  /**
   * A client of a persona (null: of nobody), and how its app puts another token in: older versions are told, newer ones ask.
   *
   * @param {string | null} persona
   * @param {number} [seconds] how long the first token lasts
   */
  async function open(persona, seconds) {
    let token = persona === null ? undefined : await act('token', persona, seconds)
    // Where tokens can be had from a function only, a client without one is an app in which nobody is signed in.
    const asks = knows.accessToken && persona !== null
    const client = createClient(url, keys.publishable, {
      auth: { persistSession: false, autoRefreshToken: false },
      // A busy machine joins later than within the 10 s that are the default.
      realtime: { timeout: 60_000 },
      ...(asks ? { accessToken: async () => String(token) } : {}),
    })
    clients.push(client)
    /** @param {unknown} next */
    const renew = async (next) => {
      token = next
      await client.realtime.setAuth(asks ? undefined : String(token))
    }
    if (persona !== null) await renew(token)
    return { client, renew }
  }

  /**
   * Subscribes, and waits for the first status.
   *
   * @param {import('@supabase/supabase-js').RealtimeChannel} channel
   */
  async function join(channel) {
    /** @type {string[]} */
    const statuses = []
    /** @type {string[]} */
    const reasons = []
    channel.subscribe((status, error) => {
      statuses.push(status)
      if (error) reasons.push(error.message)
    })
    await until(
      () => statuses.length > 0,
      () => channel.state,
    )
    return { statuses, reasons }
  }

  /**
   * @param {import('@supabase/supabase-js').RealtimeChannel} channel
   */
  async function joined(channel) {
    const seen = await join(channel)
    if (seen.statuses[0] !== 'SUBSCRIBED') throw new Error(JSON.stringify(seen))
    return seen
  }

  /**
   * The part of a change that does not differ from run to run.
   *
   * @param {{ eventType: string, table: string, new: object, old: object, errors: unknown }} change
   * @param {Record<string, string>} names of ids
   */
  function summarize(change, names) {
    const {
      id,
      title,
      hourly_rate: rate,
      required_certificates: certificates,
    } = /** @type {any} */ (change.new)
    const { id: oldId, ...otherOld } = /** @type {any} */ (change.old)
    return {
      type: change.eventType,
      table: change.table,
      ...(id && { new: { id: names[id] ?? id, title, rate, certificates } }),
      ...(oldId && { old: { id: names[oldId] ?? oldId, ...otherOld } }),
      errors: change.errors,
    }
  }

  const scenarios = {
    /** Changes of a table: with row level security, a filter for each event, a selection of columns. */
    async changes() {
      const { client } = await open('company')
      const [own, other, cheap, later] = Array.from({ length: 4 }, () => crypto.randomUUID())
      /** @type {Record<string, string>} */
      const names = { [own]: 'own', [other]: 'other', [cheap]: 'cheap', [later]: 'later' }
      const table = { schema: 'public', table: 'shifts' }
      /** @type {unknown[]} */
      const seen = []
      /** @type {unknown[]} */
      const selected = []
      /** @param {any} change */
      const note = (change) => {
        // Others make shifts meanwhile.
        if ((change.new.id ?? change.old.id) in names) seen.push(summarize(change, names))
      }
      const config = knows.wait ? { postgres_changes_options: { wait: true } } : {}
      const channel = client
        .channel('changes', { config })
        .on('postgres_changes', { event: 'INSERT', ...table, filter: 'hourly_rate=gte.50' }, note)
        .on(
          'postgres_changes',
          { event: 'UPDATE', ...table, filter: 'title=in.("Dusk, then dawn",Noon)' },
          note,
        )
        .on('postgres_changes', { event: 'DELETE', ...table, filter: `id=eq.${own}` }, note)
        .on(
          'postgres_changes',
          { event: 'INSERT', ...table, filter: `id=eq.${own}`, select: ['title'] },
          (change) => selected.push(Object.keys(change.new).sort()),
        )
      const { statuses } = await joined(channel)

      /** @param {number} count */
      const told = (count) =>
        until(
          () => seen.length === count,
          () => seen,
        )
      // What is not theirs comes first each time. Then it is waited for: of a row that is gone when it is looked for, nothing is told.
      await act('insertShift', { id: cheap, rate: 49 })
      await act('insertShift', { id: other, rate: 51, company: 'rival' })
      await act('insertShift', { id: own, rate: 52 })
      await told(1)
      await act('retitle', other, 'Noon')
      await act('retitle', own, 'Midnight')
      await act('retitle', own, 'Dusk, then dawn')
      await told(2)
      await act('deleteShift', other)
      await act('deleteShift', own)
      await told(3)

      // After leaving, nothing comes: another channel of the same socket tells when it would have.
      const removed = await client.removeChannel(channel)
      let last = 0
      await joined(
        client.channel('later').on('postgres_changes', { event: 'INSERT', ...table }, (change) => {
          if (change.new.id === later) last += 1
        }),
      )
      await act('insertShift', { id: later, rate: 53 })
      await until(() => last === 1)
      return { statuses, seen, selected, removed }
    },

    /** What is asked for and cannot be had. */
    async refusals() {
      const { client } = await open('company')
      /** @type {{ status: string, message: string }[]} */
      const system = []
      const options = knows.wait ? { config: { postgres_changes_options: { wait: true } } } : undefined
      const channel = client
        .channel('refused', options)
        .on('postgres_changes', { event: '*', schema: 'public', table: 'certificates' }, () => {})
        .on('system', {}, (message) => system.push(message))
      const { statuses, reasons } = await join(channel)
      if (!knows.wait) await until(() => system.length === 1)
      const said = knows.wait ? reasons : system.map(({ message }) => message)
      return { statuses, isSaid: said.map((text) => /Please check Realtime is enabled/.test(text)) }
    },

    /** Broadcast: acknowledged, to oneself and to others, JSON and binary, over the socket and over HTTP. */
    async broadcast() {
      const [sender, receiver] = [(await open(null)).client, (await open('guard')).client]
      const name = `café ${crypto.randomUUID()}`
      /** @type {unknown[]} */
      const own = []
      /** @type {unknown[]} */
      const got = []
      /** @param {unknown} payload */
      const readable = (payload) => (payload instanceof ArrayBuffer ? [...new Uint8Array(payload)] : payload)
      const sending = sender
        .channel(name, { config: { broadcast: { ack: true, self: true } } })
        .on('broadcast', { event: 'news' }, ({ payload }) => own.push(readable(payload)))
      const receiving = receiver
        .channel(name)
        .on('broadcast', { event: 'news' }, ({ payload }) => got.push(readable(payload)))
      await joined(receiving)
      await joined(sending)
      const type = 'broadcast'
      const answers = [
        await sending.send({ type, event: 'news', payload: { text: 'één ☂' } }),
        await sending.send({ type, event: 'other', payload: {} }),
      ]
      if (knows.binary)
        answers.push(
          await sending.send({ type, event: 'news', payload: new Uint8Array([0, 1, 254, 255]).buffer }),
        )
      // A channel that is not joined sends over HTTP.
      const { client: third } = await open('company')
      const outside = third.channel(name)
      answers.push(await outside.send({ type, event: 'news', payload: { over: 'HTTP' } }))
      const sent = []
      if (knows.httpSend) {
        sent.push(await outside.httpSend('news', { over: 'a route of its own' }))
        if (knows.binaryHttp) sent.push(await outside.httpSend('news', new Uint8Array([7, 8]).buffer))
      }
      const count = 2 + (knows.binary ? 1 : 0) + sent.length
      await until(
        () => got.length === count && own.length === count,
        () => [got, own],
      )
      return { answers, sent, got, own }
    },

    /** Presence: who is there, comes, changes, goes; also for one who only looks. */
    async presence() {
      const name = `lobby ${crypto.randomUUID()}`
      const [one, two, three] = [
        (await open(null)).client,
        (await open(null)).client,
        (await open(null)).client,
      ]
      /** @type {unknown[]} */
      const events = []
      const first = one
        .channel(name, { config: { presence: { key: 'one' } } })
        .on('presence', { event: 'join' }, ({ key, newPresences }) =>
          events.push(['join', key, newPresences[0].mood]),
        )
        .on('presence', { event: 'leave' }, ({ key, leftPresences }) =>
          events.push(['leave', key, leftPresences[0].mood]),
        )
      const second = two
        .channel(name, { config: { presence: { key: 'two' } } })
        .on('presence', { event: 'sync' }, () => {})
      /** @param {typeof first} channel */
      const there = (channel) =>
        Object.entries(channel.presenceState())
          .map(([key, metas]) => `${key} ${metas.map(({ mood }) => mood)}`)
          .sort()
          .join(', ')
      await joined(first)
      const answers = [await first.track({ mood: 'awake' })]
      await until(() => there(first) === 'one awake')
      await joined(second)
      await until(() => there(second) === 'one awake')
      answers.push(await second.track({ mood: 'busy' }))
      await until(() => there(first) === 'one awake, two busy')
      // Those that forget which presence was tracked anew do so on Supabase, too.
      const mood = knows.tracksAnew ? 'tired' : 'busy'
      if (knows.tracksAnew) answers.push(await second.track({ mood }))
      await until(
        () => there(first) === `one awake, two ${mood}` && there(second) === there(first),
        () => [there(first), there(second)],
      )
      const looking = three.channel(name).on('presence', { event: 'sync' }, () => {})
      await joined(looking)
      await until(
        () => there(looking) === `one awake, two ${mood}`,
        () => there(looking),
      )
      answers.push(await second.untrack())
      await until(
        () => there(first) === 'one awake' && there(looking) === 'one awake',
        () => [there(first), there(looking)],
      )
      await one.removeChannel(first)
      await until(
        () => there(looking) === '',
        () => there(looking),
      )
      return { answers, events }
    },

    /** A private channel: policies decide who listens and who sends. */
    async privateChannel() {
      const shift = await act('activeShift')
      const name = `shift:${shift}`
      const options = { config: { private: true, broadcast: { ack: true } } }
      const [company, guard, rival] = [await open('company'), await open('guard'), await open('rival')]
      /** @type {unknown[]} */
      const got = []
      const listening = company.client
        .channel(name, options)
        .on('broadcast', { event: 'position' }, ({ payload }) => got.push(payload))
      const sending = guard.client.channel(name, options)
      const refused = await join(rival.client.channel(name, options))
      await joined(listening)
      await joined(sending)
      const position = { latitude: 52.3731, longitude: 4.8926 }
      const message = /** @type {const} */ ({ type: 'broadcast', event: 'position', payload: position })
      const answers = [await sending.send(message), await listening.send(message)]
      if (knows.httpSend) await sending.httpSend('position', { over: 'HTTP' })
      await until(() => got.length === (knows.httpSend ? 2 : 1))
      await act('completeShift', shift)
      await until(() => listening.state === 'closed' && sending.state === 'closed')
      return {
        refused: refused.statuses[0],
        why: refused.reasons[0]?.replace(name, 'shift:<id>'),
        answers,
        got,
      }
    },

    /** The channel of a shift for an app that does not say that it is private, or is too old to. */
    async publicChannel() {
      const shift = await act('activeShift')
      const { client } = await open('guard')
      const seen = await join(client.channel(`shift:${shift}`))
      // A client tries again after a second, and a busy machine takes longer than that for what follows.
      const { statuses, reasons } = structuredClone(seen)
      await act('completeShift', shift)
      return { statuses, isSaid: /PrivateOnly/.test(reasons[0] ?? '') }
    },

    /** A token is renewed before it expires; then the app goes on as somebody else. */
    async renewal() {
      const expiresBy = Date.now() + tokenSeconds * 1000
      const { client, renew } = await open('company', tokenSeconds)
      const ids = Array.from({ length: 4 }, () => crypto.randomUUID())
      /** @type {string[]} */
      const seen = []
      const channel = client
        .channel('renewal')
        .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'shifts' }, (change) => {
          const at = ids.indexOf(change.new.id)
          if (at >= 0) seen.push(['own, before', 'own, after', 'not theirs', 'theirs'][at])
        })
      const { statuses } = await joined(channel)
      await act('insertShift', { id: ids[0] })
      await until(() => seen.length === 1)
      await renew(await act('token', 'company'))
      // Past the tolerance of a second that clocks in whole seconds need.
      await until(() => Date.now() > expiresBy + 1_000)
      await act('insertShift', { id: ids[1] })
      await until(
        () => seen.length === 2,
        () => [seen, statuses],
      )
      /** @type {string[]} */
      const told = []
      channel.on('system', {}, ({ message }) => told.push(message))
      await renew(await act('token', 'rival'))
      await until(() => told.length === 1)
      await act('insertShift', { id: ids[2] })
      await act('insertShift', { id: ids[3], company: 'rival' })
      await until(
        () => seen.length === 3,
        () => [seen, statuses],
      )
      return { statuses, seen, told }
    },

    /**
     * An app that tells the token instead of being asked for it. Some versions ask their own sign-in all the same, after
     * the join, and push the publishable key when nobody has signed in there.
     */
    async toldToken() {
      const client = createClient(url, keys.publishable, {
        auth: { persistSession: false, autoRefreshToken: false },
      })
      clients.push(client)
      await client.realtime.setAuth(String(await act('token', 'company')))
      const ids = [crypto.randomUUID(), crypto.randomUUID()]
      let seen = 0
      const channel = client
        .channel('told', { config: { broadcast: { ack: true } } })
        .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'shifts' }, (change) => {
          if (ids.includes(change.new.id)) seen += 1
        })
      const { statuses } = await joined(channel)
      await act('insertShift', { id: ids[0] })
      await until(() => seen === 1)
      // What some do by themselves at each heartbeat. It is read before the acknowledgement of what comes after it.
      await client.realtime.setAuth(undefined)
      await channel.send({ type: 'broadcast', event: 'after', payload: {} })
      await act('insertShift', { id: ids[1] })
      await until(() => seen === 2)
      return statuses
    },

    /** A token expires: the channel comes back with a fresh one. */
    async expiry() {
      const { client, renew } = await open('company', tokenSeconds)
      /** @type {string[]} */
      const told = []
      const channel = client.channel('expiry').on('system', {}, ({ message }) => told.push(message))
      const { statuses } = await joined(channel)
      await until(() => statuses.length > 1)
      await renew(await act('token', 'company'))
      await until(
        () => statuses.at(-1) === 'SUBSCRIBED',
        () => [statuses, told],
      )
      return { lost: statuses[1], isTold: /^Token has expired \d+ seconds ago$/.test(told[0] ?? '') }
    },

    /** The network fails, then changes are lost on their way: the app hears of both, and is live again. */
    async reconnect() {
      const { client } = await open('company')
      const ids = [crypto.randomUUID(), crypto.randomUUID()]
      /** @type {number[]} */
      const seen = []
      const channel = client
        .channel('reconnect')
        .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'shifts' }, (change) => {
          const at = ids.indexOf(change.new.id)
          if (at >= 0) seen.push(at)
        })
      const { statuses } = await joined(channel)
      const states = []
      for (const [index, fault] of ['cutSockets', 'gap'].entries()) {
        const before = statuses.length
        await act(fault)
        await until(
          () => statuses.length > before && statuses.at(-1) === 'SUBSCRIBED',
          () => statuses,
        )
        states.push([...new Set(statuses.slice(before))])
        await act('insertShift', { id: ids[index] })
        await until(
          () => seen.length === index + 1,
          () => [seen, statuses],
        )
      }
      return { states, seen }
    },

    /** Which keys let a client in. */
    async keys() {
      /** @type {Record<string, unknown>} */
      const outcome = {}
      const tried = {
        publishable: keys.publishable,
        anon: keys.anon,
        user: String(await act('token', 'guard')),
        wrong: 'sb_publishable_of_somebody_else',
        expired: String(await act('token', 'guard', -60)),
      }
      for (const [kind, key] of Object.entries(tried)) {
        const client = createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false } })
        clients.push(client)
        /** @type {unknown[]} */
        const got = []
        const channel = client
          .channel(`key ${crypto.randomUUID()}`, { config: { broadcast: { self: true } } })
          .on('broadcast', { event: 'e' }, ({ payload }) => got.push(payload))
        const { statuses } = await join(channel)
        if (statuses[0] === 'SUBSCRIBED') {
          await channel.send({ type: 'broadcast', event: 'e', payload: {} })
          await until(() => got.length === 1)
        }
        outcome[kind] = statuses[0]
        client.realtime.disconnect()
      }
      return outcome
    },
  }

  /** @param {keyof typeof scenarios} name */
  return async (name) => {
    try {
      return await scenarios[name]()
    } finally {
      for (const client of clients.splice(0)) client.realtime.disconnect()
    }
  }
}
