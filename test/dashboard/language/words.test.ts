import { describe, expect, it } from 'vitest'
import { METRICS } from '../../../contract/metrics.ts'
import { ACCESS } from '../../../dashboard/language/access/both.ts'
import { en } from '../../../dashboard/language/en.ts'
import { es } from '../../../dashboard/language/es.ts'
import { EXPLAIN } from '../../../dashboard/language/explain/both.ts'
import { METRIC_NAMES } from '../../../dashboard/language/names/metrics.ts'
import { NOISE } from '../../../dashboard/language/noise/both.ts'
import { RULE } from '../../../dashboard/language/rule/both.ts'
import { WORK } from '../../../dashboard/language/work/both.ts'

/** Every word with its place: `fleet.title` → `Fleet`. */
function flatten(words: object, place = ''): Map<string, string> {
  return new Map(
    Object.entries(words).flatMap(([name, value]: [string, unknown]) =>
      typeof value === 'string'
        ? [[`${place}${name}`, value] as const]
        : [...flatten(value as object, `${place}${name}.`)],
    ),
  )
}

const placeholders = (text: string): string[] =>
  [...text.matchAll(/\{\{[^}]+\}\}/g)].map(([all]) => all).sort()

describe('the words of the console', () => {
  const parts = [{ en, es }, ACCESS, EXPLAIN, NOISE, RULE, WORK]
  const english = new Map(parts.flatMap((part) => [...flatten(part.en)]))
  const spanish = new Map(parts.flatMap((part) => [...flatten(part.es)]))

  it('are there in both languages, with the same figures in them', () => {
    expect(english.size).toBeGreaterThan(250)
    expect([...spanish.keys()].sort()).toEqual([...english.keys()].sort())
    for (const [place, text] of english)
      expect(placeholders(spanish.get(place)!), place).toEqual(placeholders(text))
  })

  it('of a page that comes later take no place of the shell', () => {
    const all = parts.flatMap((part) => [...flatten(part.en).keys()])
    expect(new Set(all).size).toBe(all.length)
  })

  it('are not left empty or untranslated', () => {
    const same = [...english].filter(([place, text]) => spanish.get(place) === text).map(([, text]) => text)
    // Words that are the same in both.
    const shared =
      /^(CPU|Scripts?$|Linux$|Windows$|macOS$|Detector$|Hardware|Inodos|Tickets?|Vigía|Error|no|Bytes|R²|\d|\{\{|95|80)/
    expect(same.filter((text) => !shared.test(text))).toEqual([])
    expect([...english, ...spanish].filter(([, text]) => text.trim() === '')).toEqual([])
  })

  it('name every metric of the contract', () => {
    for (const language of ['en', 'es'] as const)
      expect(Object.keys(METRIC_NAMES[language]).sort()).toEqual(
        [...Object.keys(METRICS), 'device.report'].sort(),
      )
  })
})
