import { metricInfo } from '../../contract/metrics.ts'
import type { Layout } from '../../contract/report.ts'
import { layoutText } from '../../contract/wire.ts'
import type { CompiledRule } from '../../rules/language/compiled.ts'
import { loadPacks } from '../../rules/language/parse.ts'
import type { DeviceContext } from '../../rules/selector.ts'

export const DEVICE: DeviceContext = {
  client: 'demo',
  device: 'd-aaaaaaaaaaaaaaaa',
  hostname: 'srv1',
  os: 'linux',
  arch: 'x64',
  site: '',
  tags: [],
}

/** Compiles rules given as YAML bodies (everything but the fields that each rule needs anyway). */
export function rulesOf(...bodies: string[]): CompiledRule[] {
  const items = bodies.map(
    (body) => `  - ${body.trim().split('\n').join('\n    ')}
    title: { en: T, es: T }
    owner: o
    severity: warning
    runbook: r
    noRemedy: n`,
  )
  return loadPacks([{ file: 'test.yaml', text: `pack: test\nversion: 1\nrules:\n${items.join('\n')}\n` }])
}

/** A layout of series written as `metric` or `metric{label=value}`. */
export function layoutOf(...names: string[]): Layout {
  const series = names.map((name) => {
    const match = /^([^{]+)(?:\{(.*)\})?$/.exec(name)!
    const labels = Object.fromEntries(
      (match[2] ?? '')
        .split(',')
        .filter(Boolean)
        .map((pair) => pair.split('=') as [string, string]),
    )
    return { metric: match[1]!, labels, unit: metricInfo(match[1]!)?.unit ?? 'count' }
  })
  return { v: 1, hash: layoutText(series), series }
}
