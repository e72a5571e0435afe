import { VigiaError } from '../../contract/errors.ts'
import { metricInfo } from '../../contract/metrics.ts'
import type { Layout } from '../../contract/report.ts'
import { layoutText } from '../../contract/wire.ts'
import type { CompiledRule } from '../../rules/language/compiled.ts'
import { exactLabels } from '../../rules/language/matcher.ts'
import type { DeviceContext } from '../../rules/selector.ts'

/** What the data do not say of themselves: labels of the series, and what the device is that reports them. */
export type SubjectOptions = {
  labels?: Readonly<Record<string, string>>
  os?: string
  tags?: readonly string[]
}

/** The series as a device reports it, and the device but for its name. */
export type ReplaySubject = { layout: Layout; device: Omit<DeviceContext, 'device' | 'hostname'> }

const LABELS: Readonly<Record<string, string>> = { mount: '/data', fs: 'ext4', disk: 'sda' }

/**
 * The subject of a replay: a label that is not given is the one that all the rules which fix it agree on. USAGE for a
 * label that the metric does not have.
 */
export function replaySubject(
  rules: readonly CompiledRule[],
  metric: string,
  { labels = {}, os = 'linux', tags = [] }: SubjectOptions = {},
): ReplaySubject {
  const info = metricInfo(metric)
  const names = info?.labels ?? []
  const unknown = Object.keys(labels).filter((name) => !names.includes(name))
  if (unknown.length > 0)
    throw new VigiaError(
      'USAGE',
      `${metric} ${names.length === 0 ? 'has no labels' : `has the labels ${names.join(', ')}`}, not ${unknown.join(', ')}.`,
    )
  const fixed = (name: string): string | undefined => {
    const texts = new Set(rules.flatMap(({ spec }) => exactLabels(spec.signal)[name] ?? []))
    return texts.size === 1 ? [...texts][0] : undefined
  }
  const own = names.map((name) => [name, labels[name] ?? fixed(name) ?? LABELS[name] ?? 'replayed'])
  const series = [
    { metric, labels: Object.fromEntries(own) as Record<string, string>, unit: info?.unit ?? 'count' },
  ]
  return {
    layout: { v: 1, hash: layoutText(series), series },
    device: { client: 'replay', os, arch: 'x64', site: '', tags },
  }
}

/** Rules that are not meant for the subject, and why: they would only look as if they had found nothing. */
export function notMeantFor(
  rules: readonly CompiledRule[],
  { layout, device }: ReplaySubject,
): { rule: string; why: string }[] {
  const [series] = layout.series
  const sample = { ...device, device: 'd-replayreplayrep2', hostname: 'replay' }
  return rules.flatMap((rule) => {
    const { spec, detector } = rule
    const isOfSeveral =
      detector.driven === 'vector' ||
      (detector.driven === 'alerts' &&
        detector.operandsOf(rule.parameters).some((operand) => operand.kind === 'series'))
    if (isOfSeveral)
      return [{ rule: spec.name, why: `${detector.name} judges several series of a device, and this is one` }]
    if (!rule.selects(sample))
      return [{ rule: spec.name, why: `it is meant for devices where ${spec.selector ?? 'true'}` }]
    if (series !== undefined && rule.watches(series)) return []
    const where = Object.entries(spec.signal.where ?? {}).map(([name, text]) => `${name}: ${text}`)
    return [{ rule: spec.name, why: `it watches only ${where.join(', ')}` }]
  })
}
