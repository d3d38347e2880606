import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { JOBS, jobsOf, MODULES, modulesOf, unfollowedTables } from '../../src/app.ts'
import { ConfigError, OPTIONAL_MODULES, readConfig } from '../../src/config.ts'
import { openAppWithoutDatabase } from '../support/app-without-database.ts'
import { BIG_TABLES, NOT_MANY } from '../support/many-rows.ts'
import { PUBLISHED_TABLES } from '../support/modules.ts'

/* The switch of modules: what a service does that has one of them alone. */

const withModules = (names?: string, environment: Record<string, string> = {}) =>
  readConfig({ NODE_ENV: 'test', ...(names === undefined ? {} : { MODULES: names }), ...environment })
const namesOf = (names?: string, environment?: Record<string, string>): string[] =>
  modulesOf(withModules(names, environment)).map(({ name }) => name)

async function pathsOf(names: string): Promise<string[]> {
  const app = await openAppWithoutDatabase({ MODULES: names })
  return Object.keys((await app.inject({ url: '/openapi.json' })).json().paths)
}

const isOfFreight = (path: string): boolean => path.startsWith('/v1/freight/')

describe('the setting MODULES', () => {
  it('has a name for each module but people, and refuses others', () => {
    expect(MODULES.map(({ name }) => name)).toEqual(['people', ...OPTIONAL_MODULES])
    for (const names of ['guarding,trading', 'people', ','])
      expect(() => withModules(names)).toThrow(ConfigError)
  })

  it('is all of them unless it is set; in production guarding alone', () => {
    expect(namesOf()).toEqual(['people', 'guarding', 'freight'])
    expect(namesOf(undefined, { NODE_ENV: 'production', JWT_SECRET: 'x'.repeat(32) })).toEqual([
      'people',
      'guarding',
    ])
    expect(namesOf('freight')).toEqual(['people', 'freight'])
  })
})

describe('a service with one module alone', () => {
  it('has the routes of that module and of people, also in its OpenAPI document', async () => {
    const [guarding, freight, both] = await Promise.all(
      ['guarding', 'freight', 'guarding,freight'].map(pathsOf),
    )
    expect(guarding!.filter(isOfFreight)).toEqual([])
    expect(guarding).toContain('/v1/shifts')
    expect(freight).toContain('/v1/freight/brokers')
    expect(freight).toContain('/v1/me')
    expect(freight!.filter((path) => !isOfFreight(path) && !guarding!.includes(path))).toEqual([])
    expect(freight!.filter((path) => /shift|check-?in|certificate|incident|location/.test(path))).toEqual([])
    expect(new Set([...guarding!, ...freight!])).toEqual(new Set(both))
  })

  it('answers the paths of the other with not_found', async () => {
    const ask = async (names: string, url: string) => {
      const app = await openAppWithoutDatabase({ MODULES: names })
      return (await app.inject({ url, headers: { authorization: 'Bearer someone' } })).statusCode
    }
    expect(await ask('guarding', '/v1/freight/brokers')).toBe(404)
    expect(await ask('freight', '/v1/shifts')).toBe(404)
  })

  it('serves the board of that module alone, with no script of the other', async () => {
    const statuses = async (names: string) => {
      const app = await openAppWithoutDatabase({ MODULES: names })
      const page = await app.inject('/live')
      const urls = ['guarding', 'freight'].flatMap((name) => [
        `/live/${name}`,
        `/live/${name}/live/main.js`,
        `/live/${name}/live/board.css`,
      ])
      return {
        links: [
          ...page.body.matchAll(/<a href="(\/live\/\w+)" data-roles="([^"]+)"( aria-current="page")?>/g),
        ].map(([, href, roles, current]) => [href, roles, current !== undefined]),
        heading: /<h2 id="list-heading">(\w+)</.exec(page.body)?.[1],
        placesLeft: page.body.match(/\{\{|of the board -->|<!-- boards/g),
        statuses: await Promise.all(urls.map(async (url) => (await app.inject(url)).statusCode)),
      }
    }
    const alone = { links: [], placesLeft: null }
    const [yes, no] = [Array.from({ length: 3 }, () => 200), Array.from({ length: 3 }, () => 404)]
    expect(await statuses('guarding')).toEqual({ ...alone, heading: 'Shifts', statuses: [...yes, ...no] })
    expect(await statuses('freight')).toEqual({ ...alone, heading: 'Loads', statuses: [...no, ...yes] })
    expect(await statuses('guarding,freight')).toEqual({
      ...alone,
      links: [
        ['/live/guarding', 'company client zzp', true],
        ['/live/freight', 'office dispatcher driver broker', false],
      ],
      heading: 'Shifts',
      statuses: [...yes, ...yes],
    })
  })

  it('runs the background work of that module and of the platform', () => {
    const jobs = (names: string) => jobsOf(withModules(names)).map(({ name }) => name)
    const ofModules = (names: string) => jobs(names).filter((name) => !name.startsWith('platform.'))
    expect(ofModules('guarding').every((name) => name.startsWith('guarding.'))).toBe(true)
    expect(ofModules('freight').every((name) => name.startsWith('freight.'))).toBe(true)
    expect(jobs('guarding,freight').sort()).toEqual(JOBS.map(({ name }) => name).sort())
  })

  it('lets nobody follow the tables of the other', () => {
    expect(unfollowedTables(withModules('freight'))).toContain('shifts')
    expect(unfollowedTables(withModules('freight'))).not.toContain('notifications')
    expect(unfollowedTables(withModules('guarding,freight'))).toEqual([])
  })
})

describe('a table that clients follow', () => {
  it('stands in the list of docs/realtime.md', async () => {
    const text = await readFile(new URL('../../docs/realtime.md', import.meta.url), 'utf8')
    const list = /answers `\{ items, [^`]*`, for ([^:]*):/.exec(text)?.[1] ?? ''
    expect([...list.matchAll(/`(\w+)`/g)].map(([, table]) => table).sort()).toEqual(
      [...PUBLISHED_TABLES].sort(),
    )
  })

  it('has many rows where test/routes measures, or a reason in many-rows.ts why not', () => {
    const known: readonly string[] = [...BIG_TABLES, ...Object.keys(NOT_MANY)]
    expect(PUBLISHED_TABLES.filter((table) => !known.includes(table))).toEqual([])
    expect(Object.keys(NOT_MANY).filter((table) => BIG_TABLES.some((big) => big === table))).toEqual([])
  })
})
