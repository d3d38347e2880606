import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { installNpmPackages } from '../support/npm-packages.ts'
import { patience } from '../support/patience.ts'
import { arrangeLocation, type Place } from '../support/places.ts'
import { openRealtimeApi, type RealtimeApi } from '../support/realtime-api.ts'
import { run } from '../support/run.ts'
import { arrangeGuards, arrangeShift, type Guard, LOCATIONS } from '../support/world.ts'

/**
 * Clients that other people write, as they come: each does the main job of a guard's app once (who am I, what is near me, take it,
 * check in), by a process of its own, against a service that listens.
 */
const ANON_KEY = 'sb_publishable_for_foreign_clients'
const FOLDER = import.meta.dirname
const PROGRAMS = join(FOLDER, 'programs')
/** What is generated and compiled, anew each time: where the packages that it imports are found. */
const GENERATED = join(FOLDER, '.generated')
const BINARIES = join(FOLDER, 'node_modules/.bin')

/** Packages are installed, types generated and compiled: several times what that takes on a quiet machine. */
const PREPARE_TIMEOUT_MS = patience(180_000)
/** A change feed starts once the transactions on its server that are older have ended, those of other tests as well. */
const FEED_TIMEOUT_MS = patience(90_000)

let api: RealtimeApi
let guards: Guard[]

beforeAll(async () => {
  const say = (line: string): void => console.log(line)
  const [opened] = await Promise.all([openRealtimeApi({ ANON_KEY }), installNpmPackages(FOLDER, say)])
  api = opened
  guards = await arrangeGuards(api.owner, CLIENT_COUNT)
}, PREPARE_TIMEOUT_MS)
afterAll(() => api?.close())

/** As many guards, so that nobody works two shifts at once. */
const CLIENT_COUNT = 10
let places = 0

/** A shift that a guard of its own can take, and what a program must know of both. */
async function arrangeJob(): Promise<Record<string, string>> {
  const guard = guards.pop()
  if (!guard) throw new Error('more clients than CLIENT_COUNT says')
  places += 1
  // As many digits as a double has, west of Greenwich.
  const place: Place = { latitude: 51.48 + places, longitude: -0.0012775829999998223 }
  const shift = await arrangeShift(api.owner, { location: await arrangeLocation(api.owner, place) })
  const { authorization } = await api.authorize(guard.userId)
  return {
    BASE: api.url,
    GUARD: authorization.replace('Bearer ', ''),
    COMPANY: await api.tokenOf('company'),
    ANON_KEY,
    SHIFT: shift,
    LOCATION: LOCATIONS.site,
    LATITUDE: String(place.latitude),
    LONGITUDE: String(place.longitude),
  }
}

/** What a program printed of a job that went well. */
const DONE = { role: 'zzp', status: 'assigned', results: ['created', 'validation_failed'] }

const play = (job: Record<string, string>, command: string, ...parameters: string[]): Promise<string> =>
  run(command, parameters, { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...job } })

describe.each(['axios', 'undici', 'fetch'])('%s', (name) => {
  it('does the job', async () => {
    const job = await arrangeJob()
    const printed = JSON.parse(await play(job, process.execPath, join(PROGRAMS, `${name}.js`)))
    expect(printed).toEqual({ ...DONE, nearby: [job.SHIFT] })
  })
})

describe('supabase-js', () => {
  it(
    'sees the shift change that its guard takes',
    async () => {
      const job = await arrangeJob()
      const printed = JSON.parse(await play(job, process.execPath, join(PROGRAMS, 'supabase.js')))
      expect(printed).toEqual({ event: 'UPDATE', id: job.SHIFT, status: 'assigned' })
    },
    FEED_TIMEOUT_MS,
  )
})

describe('Python’s standard library', () => {
  it('does the job, and can read why an upload is refused', async () => {
    const job = await arrangeJob()
    const printed = JSON.parse(await play(job, 'python3', join(PROGRAMS, 'standard_library.py')))
    expect(printed).toEqual({ ...DONE, nearby: [job.SHIFT], too_much: 'payload_too_large' })
  })
})

describe('curl', () => {
  it('does the job, offering HTTP/2', async () => {
    const { BASE, GUARD, SHIFT, LATITUDE, LONGITUDE } = await arrangeJob()
    const folder = await mkdtemp(join(tmpdir(), 'muster-curl-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const [packed, large] = [join(folder, 'batch.gz'), join(folder, 'large')]
    const checkIn = {
      id: randomUUID(),
      shift_id: SHIFT,
      kind: 'clock_in',
      latitude: Number(LATITUDE),
      longitude: Number(LONGITUDE),
      accuracy_meters: 8,
      recorded_at: new Date().toISOString(),
    }
    await writeFile(packed, gzipSync(JSON.stringify({ items: [checkIn, { ...checkIn, latitude: 152 }] })))
    await writeFile(large, ' '.repeat(3_000_000))
    const curl = async (path: string, ...parameters: string[]) => {
      const always = ['--silent', '--show-error', '--http2', '--header', `Authorization: Bearer ${GUARD}`]
      return JSON.parse(await run('curl', [...always, ...parameters, `${BASE}/v1${path}`]))
    }
    const json = ['--header', 'Content-Type: application/json']

    expect((await curl('/me')).role).toBe(DONE.role)
    const query = [`latitude=${LATITUDE}`, `longitude=${LONGITUDE}`].flatMap((one) => [
      '--data-urlencode',
      one,
    ])
    const { items } = await curl('/shifts/nearby', '--get', ...query)
    expect(items.map(({ id }: { id: string }) => id)).toEqual([SHIFT])
    expect((await curl(`/shifts/${SHIFT}/claim`, '--data', '')).status).toBe(DONE.status)
    const batch = ['--header', 'Content-Encoding: gzip', '--data-binary', `@${packed}`]
    const { results } = await curl('/checkins/batch', ...json, ...batch)
    expect(results.map((one: { code?: string; status: string }) => one.code ?? one.status)).toEqual(
      DONE.results,
    )
    const refused = await curl(
      '/checkins/batch',
      ...json,
      '--header',
      'Expect:',
      '--data-binary',
      `@${large}`,
    )
    expect(refused.code).toBe('payload_too_large')
  })
})

describe('the JDK', () => {
  it('does the job, where there is one', async () => {
    const java = await findJava()
    if (java === undefined) {
      console.warn(
        'There is no JDK on this machine (openjdk-17-jdk-headless), so its clients were not tried.',
      )
      return
    }
    const job = await arrangeJob()
    const lines = (await play(job, java, '-XX:TieredStopAtLevel=1', join(PROGRAMS, 'Jdk.java')))
      .trim()
      .split('\n')
    const printed = Object.fromEntries(
      lines.map((line) => [line.split(' ', 1)[0], JSON.parse(line.slice(line.indexOf(' ')))]),
    )
    expect(printed).toMatchObject({
      me: { role: DONE.role },
      nearby: { items: [{ id: job.SHIFT }] },
      claim: { status: DONE.status },
      batch: { results: [{ status: 'created' }, { status: 'rejected', code: 'validation_failed' }] },
    })
  })
})

/** Of Debian's package first: up to JDK 18 one of its clients accepts what nobody else does. */
async function findJava(): Promise<string | undefined> {
  const folders = ['/usr/lib/jvm/java-17-openjdk-amd64/bin', '/usr/lib/jvm/java-17-openjdk-arm64/bin']
  for (const folder of [...folders, ...(process.env.PATH ?? '').split(delimiter)]) {
    const java = join(folder, 'java')
    // A runtime alone has no compiler for the program's one file.
    const isThere = await Promise.all([java, `${java}c`].map((path) => access(path, constants.X_OK))).then(
      () => true,
      () => false,
    )
    if (isThere) return java
  }
  return undefined
}

describe('what is generated from the OpenAPI document', () => {
  beforeAll(async () => {
    await rm(GENERATED, { recursive: true, force: true })
    await mkdir(GENERATED)
    await cp(join(FOLDER, 'generated'), GENERATED, { recursive: true })
    await writeFile(join(GENERATED, 'package.json'), '{ "type": "commonjs" }')
    const document = join(GENERATED, 'openapi.json')
    await writeFile(document, await (await fetch(`${api.url}/openapi.json`)).text())
    const generate = (name: string, output: string): Promise<string> =>
      run(process.execPath, [
        join(BINARIES, name),
        ...(name === 'openapi-ts' ? ['-i'] : []),
        document,
        '-o',
        output,
      ])
    await Promise.all([
      generate('openapi-typescript', join(GENERATED, 'schema.d.ts')),
      generate('openapi-ts', join(GENERATED, 'hey')),
    ])
    // Under `strict`; a client that does not compile fails here.
    await run(process.execPath, [join(BINARIES, 'tsc'), '--project', GENERATED])
  }, PREPARE_TIMEOUT_MS)

  it.each(['openapi-fetch', 'hey-api'])('does the job, compiled (%s)', async (name) => {
    const job = await arrangeJob()
    const printed = JSON.parse(await play(job, process.execPath, join(GENERATED, 'out', `${name}.js`)))
    expect(printed).toEqual({
      created: ['vca'],
      role: DONE.role,
      nearby: [job.SHIFT],
      status: DONE.status,
      isTaken: true,
      results: ['inside', 'validation_failed /body/items/1/latitude'],
    })
  })
})
