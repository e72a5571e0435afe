import type { SeriesSpec } from '../../contract/report.ts'
import type { Signal } from '../../contract/rules.ts'
import { compilePattern } from './pattern.ts'

/** A label matcher's fault, or undefined: text that begins with `~` must be a regular expression. */
export function matcherFault(text: string): string | undefined {
  if (!text.startsWith('~')) return undefined
  try {
    compilePattern(text.slice(1))
    return undefined
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
}

/** A test of whether a signal matches a series. A label that the series lacks counts as empty text. */
export function compileSignal(signal: Signal): (series: SeriesSpec) => boolean {
  const tests = Object.entries(signal.where ?? {}).map(([name, text]) => {
    if (!text.startsWith('~')) return (labels: Record<string, string>) => (labels[name] ?? '') === text
    const matches = compilePattern(text.slice(1))
    return (labels: Record<string, string>) => matches(labels[name] ?? '')
  })
  return ({ metric, labels }) => metric === signal.metric && tests.every((test) => test(labels))
}

/** The labels that a signal fixes to one value. */
export function exactLabels(signal: Signal): Record<string, string> {
  return Object.fromEntries(Object.entries(signal.where ?? {}).filter(([, text]) => !text.startsWith('~')))
}
