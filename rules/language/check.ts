import * as z from 'zod'
import { metricInfo, METRICS } from '../../contract/metrics.ts'
import { DEVICE_REPORT_METRIC, type RuleSpec, shapeFaults, Signal } from '../../contract/rules.ts'
import type { Detector } from '../detector.ts'
import { DETECTORS } from '../detectors/all.ts'
import { parseDuration } from '../duration.ts'
import { compileSelector } from '../selector.ts'
import { matcherFault } from './matcher.ts'
import { nearest } from './nearest.ts'
import type { KnownRemedies } from './remedies.ts'
import { templateParts } from './template.ts'

const Remedy = z.looseObject({ name: z.string(), parameters: z.record(z.string(), z.unknown()).default({}) })
type Remedy = Pick<z.infer<typeof Remedy>, 'name' | 'parameters'>

/** A fault of one rule; `path` counts from the rule, `offset` from the start of the text there. */
export type RuleFault = { path: PropertyKey[]; message: string; key?: boolean; offset?: number }

/** The detector of a rule that the schema accepted, with its parameters. */
export function detectorOf(rule: RuleSpec): { detector: Detector; parameters: unknown } {
  for (const detector of DETECTORS) {
    const parameters = (rule as Record<string, unknown>)[detector.name]
    if (parameters !== undefined) return { detector, parameters }
  }
  throw new TypeError(`rule ${rule.name} has no detector`)
}

/** What the schema cannot see: unknown metrics, labels and remedies, selectors, templates, contradictory figures. */
export function checkRule(rule: RuleSpec, remedies: KnownRemedies): RuleFault[] {
  return [
    ...checkSignal(rule),
    ...checkDetector(rule),
    ...checkSelector(rule),
    ...checkTemplates(rule),
    ...checkRemedy(rule, remedies),
  ]
}

/** What can be told of a rule that the schema refuses, so that its other faults are told at once. */
export function checkRefused(raw: unknown, remedies: KnownRemedies): RuleFault[] {
  if (typeof raw !== 'object' || raw === null) return []
  const rule = raw as Partial<Record<string, unknown>>
  const signal = Signal.safeParse(rule['signal'])
  const given = DETECTORS.filter(({ name }) => rule[name] !== undefined)
  const known = given.flatMap((detector) => {
    const parsed = detector.parameters.safeParse(rule[detector.name])
    return parsed.success ? [checkParameters(detector, parsed.data)] : []
  })
  const remedy = Remedy.safeParse(rule['remedy'])
  return [
    ...(signal.success && signal.data.metric !== DEVICE_REPORT_METRIC
      ? checkMatchers(signal.data, ['signal'])
      : []),
    ...known.flat(),
    ...(typeof rule['selector'] === 'string' ? checkSelector({ selector: rule['selector'] }) : []),
    ...(remedy.success ? checkRemedy({ remedy: remedy.data }, remedies) : []),
    ...shapeFaults(rule),
  ]
}

/** What is wrong with a series that a test names: a metric or a label that nothing reports. */
export function checkSeries(metric: string, labels: Readonly<Record<string, string>>): RuleFault[] {
  if (metric === DEVICE_REPORT_METRIC) return []
  if (metricInfo(metric) === undefined) return checkMatchers({ metric }, [])
  return Object.keys(labels)
    .filter((name) => !labelsOf(metric).includes(name))
    .map((name) => ({ path: ['labels', name], key: true, message: unknownLabel(metric, name) }))
}

function checkSignal(rule: RuleSpec): RuleFault[] {
  if (rule.signal.metric !== DEVICE_REPORT_METRIC) return checkMatchers(rule.signal, ['signal'])
  const faults = checkLabels(rule.signal, ['signal'])
  if (rule.absence === undefined)
    faults.push({
      path: ['signal', 'metric'],
      message: `${DEVICE_REPORT_METRIC} carries no value: only absence may watch it`,
    })
  return faults
}

function checkMatchers(signal: Signal, at: readonly PropertyKey[]): RuleFault[] {
  if (metricInfo(signal.metric) !== undefined) return checkLabels(signal, at)
  const message = `unknown metric ${signal.metric}${hint(signal.metric, Object.keys(METRICS))}`
  return [{ path: [...at, 'metric'], message }]
}

function checkLabels({ metric, where = {} }: Signal, at: readonly PropertyKey[]): RuleFault[] {
  const faults: RuleFault[] = []
  for (const [name, text] of Object.entries(where)) {
    if (!labelsOf(metric).includes(name))
      faults.push({ path: [...at, 'where', name], key: true, message: unknownLabel(metric, name) })
    const fault = matcherFault(text)
    if (fault !== undefined) faults.push({ path: [...at, 'where', name], message: fault })
  }
  return faults
}

/** Where in parameters a value stands: the same object, or an equal text. */
export function pathOf(
  path: readonly PropertyKey[],
  value: unknown,
  wanted: unknown,
): PropertyKey[] | undefined {
  if (value === wanted) return [...path]
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, part] of Object.entries(value)) {
    const found = pathOf([...path, Array.isArray(value) ? Number(key) : key], part, wanted)
    if (found !== undefined) return found
  }
  return undefined
}

function checkDetector(rule: RuleSpec): RuleFault[] {
  const { detector, parameters } = detectorOf(rule)
  return checkParameters(detector, parameters)
}

function checkParameters(detector: Detector, parameters: unknown): RuleFault[] {
  const faults: RuleFault[] = detector
    .check(parameters)
    .map(({ field, message }) => ({ path: [detector.name, field], message }))
  if (detector.driven === 'vector')
    for (const metric of detector.metricsOf(parameters))
      if (metricInfo(metric) === undefined)
        faults.push({
          path: pathOf([detector.name], parameters, metric) ?? [detector.name],
          message: `unknown metric ${metric}${hint(metric, Object.keys(METRICS))}`,
        })
  if (detector.driven === 'alerts')
    for (const operand of detector.operandsOf(parameters))
      if (operand.kind === 'series') {
        const at = pathOf([detector.name], parameters, operand.signal) ?? [detector.name]
        faults.push(...checkMatchers(operand.signal, at))
      }
  const zero = Object.entries(parameters as Record<string, unknown>).filter(
    ([, value]) => typeof value === 'string' && parseDuration(value) === 0,
  )
  return [
    ...faults,
    ...zero.map(([field]) => ({ path: [detector.name, field], message: 'must be more than zero' })),
  ]
}

function checkSelector(rule: Pick<RuleSpec, 'selector'>): RuleFault[] {
  if (rule.selector === undefined) return []
  const compiled = compileSelector(rule.selector)
  if (!('fault' in compiled)) return []
  const { message, offset } = compiled.fault
  return [{ path: ['selector'], offset, message: `${message} (character ${offset + 1} of the selector)` }]
}

function checkTemplates(rule: RuleSpec): RuleFault[] {
  const texts: { path: PropertyKey[]; text: string }[] = []
  if (rule.cause !== undefined) texts.push({ path: ['cause'], text: rule.cause })
  for (const [name, value] of Object.entries(rule.remedy?.parameters ?? {}))
    if (typeof value === 'string') texts.push({ path: ['remedy', 'parameters', name], text: value })
  const known = labelsAtAlert(rule)
  return texts.flatMap(({ path, text }) => {
    const parts = templateParts(text)
    return [
      ...parts.faults.map((fault) => ({ path, message: `${fault} is no template: only {{labels.NAME}} is` })),
      ...parts.labels
        .filter((name) => known !== undefined && !known.includes(name))
        .map((name) => ({ path, message: unknownLabel(rule.signal.metric, name) })),
    ]
  })
}

function checkRemedy(rule: { remedy?: Remedy | undefined }, remedies: KnownRemedies): RuleFault[] {
  if (rule.remedy === undefined) return []
  const { name, parameters } = rule.remedy
  const wanted = Object.hasOwn(remedies, name) ? remedies[name] : undefined
  if (wanted === undefined)
    return [
      { path: ['remedy', 'name'], message: `unknown remedy ${name}${hint(name, Object.keys(remedies))}` },
    ]
  return [
    ...Object.keys(parameters)
      .filter((parameter) => !wanted.includes(parameter))
      .map((parameter) => ({
        path: ['remedy', 'parameters', parameter],
        key: true,
        message: `${name} has no parameter ${parameter}${hint(parameter, wanted)}`,
      })),
    ...wanted
      .filter((parameter) => parameters[parameter] === undefined)
      .map((parameter) => ({
        path: ['remedy', 'parameters'],
        message: `${name} needs the parameter ${parameter}`,
      })),
  ]
}

function labelsOf(metric: string): readonly string[] {
  return metricInfo(metric)?.labels ?? []
}

/** A rule driven by time or over several series has one alert a device, with the labels that the signal fixes. */
function labelsAtAlert(rule: RuleSpec): readonly string[] | undefined {
  if (rule.signal.metric !== DEVICE_REPORT_METRIC && metricInfo(rule.signal.metric) === undefined)
    return undefined
  const { driven } = detectorOf(rule).detector
  if (driven !== 'time' && driven !== 'vector') return labelsOf(rule.signal.metric)
  return Object.entries(rule.signal.where ?? {})
    .filter(([, text]) => !text.startsWith('~'))
    .map(([name]) => name)
}

function unknownLabel(metric: string, name: string): string {
  const labels = labelsOf(metric)
  const has = labels.length === 0 ? 'has no labels' : `has the labels ${labels.join(', ')}`
  return `unknown label ${name}: ${metric} ${has}`
}

function hint(text: string, candidates: readonly string[]): string {
  const near = nearest(text, candidates)
  return near === undefined ? '' : `; did you mean ${near}?`
}
