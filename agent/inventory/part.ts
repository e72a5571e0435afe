import type { FactKind } from '../../contract/report.ts'
import type { MetricName } from '../../contract/metrics.ts'

/** A value that the inventory read beside its documents; null means unavailable. */
export type InventorySample = { metric: MetricName; labels: Record<string, string>; value: number | null }

/** What could not be read, and why, in words. */
export type Unavailable = { part: string; reason: string }

/** What one part of the inventory found. Without a document, `unavailable` says why there is none. */
export type InventoryPart = {
  kind: FactKind
  document: object | null
  samples: InventorySample[]
  unavailable: Unavailable[]
}

/** A part that could not be read at all. */
export function nothing(kind: FactKind, reason: string, samples: InventorySample[] = []): InventoryPart {
  return { kind, document: null, samples, unavailable: [{ part: kind, reason }] }
}

/**
 * An answer of systeminformation without the fields that it leaves empty: what it could not read it gives as an
 * empty text, a dash, null, or for numbers zero or -1. Undefined when nothing is left.
 */
export function withoutEmpty<T extends object>(answer: T): Partial<T> | undefined {
  const kept = Object.entries(answer).filter(
    ([, value]) =>
      value !== '' &&
      value !== '-' &&
      value !== null &&
      value !== undefined &&
      value !== 0 &&
      value !== -1 &&
      !isEmptyList(value),
  )
  return kept.length === 0 ? undefined : (Object.fromEntries(kept) as Partial<T>)
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

/**
 * Makes a document fit into `maxBytes` of JSON by shortening its longest list, again and again; `cut` says how many
 * entries each list lost. A document that is too long without a list to shorten comes back empty but for `cut`.
 */
export function fitDocument(document: object, maxBytes: number): object {
  const fitted: Record<string, unknown> = { ...document }
  const cut: Record<string, number> = {}
  const bytes = (): number => Buffer.byteLength(JSON.stringify(fitted))
  for (let size = bytes(); size > maxBytes; size = bytes()) {
    const longest = Object.entries(fitted)
      .flatMap(([name, value]) =>
        Array.isArray(value) && value.length > 0 ? [{ name, list: value as unknown[] }] : [],
      )
      .map((each) => ({ ...each, size: Buffer.byteLength(JSON.stringify(each.list)) }))
      .sort((a, b) => b.size - a.size)[0]
    if (longest === undefined) return { cut: { document: 1 } }
    const keepBytes = Math.max(0, longest.size - (size - maxBytes) - 64)
    const keep = Math.min(
      longest.list.length - 1,
      Math.floor((longest.list.length * keepBytes) / longest.size),
    )
    cut[longest.name] = (cut[longest.name] ?? 0) + longest.list.length - keep
    fitted[longest.name] = longest.list.slice(0, keep)
    fitted['cut'] = cut
  }
  return fitted
}
