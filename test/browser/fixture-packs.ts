import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { z } from 'zod'
import { asVigiaError } from '../../contract/errors.ts'
import type { ROUTES } from '../../contract/http.ts'
import type { PackText } from '../../contract/rule-views.ts'
import type { PackFile } from '../../server/rules/pack-files.ts'
import { changesBetween, checkSet, type RuleSet } from '../../server/rules/rule-set.ts'

const PACKS = join(import.meta.dirname, '../../rules/packs')

/** The packs that ship with the fixture server. */
export const SHIPPED = ['disk', 'memory'] as const

/** Text of a pack that ships. */
export function shippedText(name: string): string | undefined {
  return SHIPPED.some((one) => one === name) ? readFileSync(join(PACKS, `${name}.yaml`), 'utf8') : undefined
}

/** The packs that ship and those of the installation, read as the server reads them. RULES_INVALID. */
export function packSet(own: ReadonlyMap<string, string>): RuleSet {
  const shipped = SHIPPED.map((name): PackFile => ({
    file: `/opt/vigia/rules/packs/${name}.yaml`,
    origin: 'shipped',
    text: shippedText(name) ?? '',
  }))
  const data = [...own].map(([name, text]): PackFile => ({
    file: `/var/lib/vigia/rules/${name}.yaml`,
    origin: 'data',
    text,
  }))
  return checkSet([...shipped, ...data])
}

/** What these texts would change, or every fault of them, in the words and places of the server's own parser. */
export function checkTexts(
  own: ReadonlyMap<string, string>,
  texts: readonly PackText[],
): z.output<(typeof ROUTES)['checkRules']['answer']> {
  try {
    const changed = packSet(new Map([...own, ...texts.map(({ name, text }) => [name, text] as const)]))
    return { faults: [], changes: changesBetween(packSet(own), changed) }
  } catch (thrown) {
    const error = asVigiaError(thrown)
    if (error.code !== 'RULES_INVALID') throw error
    return { faults: [...error.faults], changes: [] }
  }
}
