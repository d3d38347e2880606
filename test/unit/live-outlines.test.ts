import { readFile } from 'node:fs/promises'
import type { Position } from 'geojson'
import { expect, it } from 'vitest'
import { makeOutlines, type Outlines } from '../../src/platform/live/outlines.ts'

const shipped = JSON.parse(
  await readFile(new URL('../../src/platform/live/page/outlines.json', import.meta.url), 'utf8'),
) as Outlines

it('the outlines are those that `npm run live:outlines` makes', async () => {
  expect(shipped).toEqual(await makeOutlines())
})

/** By the even-odd rule. */
function isInRing([x, y]: Position, ring: readonly Position[]): boolean {
  let isIn = false
  for (const [index, [ax, ay]] of ring.entries()) {
    const [bx, by] = ring.at(index - 1)!
    if (ay! > y! !== by! > y! && x! < ((bx! - ax!) * (y! - ay!)) / (by! - ay!) + ax!) isIn = !isIn
  }
  return isIn
}

const countryAt = (place: Position): string[] =>
  shipped.features
    .filter(({ geometry }) => geometry.coordinates.flat().filter((ring) => isInRing(place, ring)).length % 2)
    .map(({ properties }) => properties.name)

it.each<[string, Position, string[]]>([
  ['Amsterdam', [4.8922, 52.3731], ['Netherlands']],
  ['Maastricht', [5.69, 50.85], ['Netherlands']],
  ['Texel', [4.8, 53.06], ['Netherlands']],
  ['Brussels', [4.35, 50.85], ['Belgium']],
  ['Aachen', [6.084, 50.776], ['Germany']],
  ['London', [-0.13, 51.51], ['United Kingdom']],
  ['the North Sea', [3.2, 53], []],
  ['Chicago', [-87.9, 41.85], ['United States of America']],
  ['Toronto', [-79.38, 43.8], ['Canada']],
  ['the Atlantic', [-70, 38], []],
])('has %s in one country at most, the right one', (_, place, countries) => {
  expect(countryAt(place)).toEqual(countries)
})
