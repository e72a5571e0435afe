import type { Calendar } from '../../contract/calendar.ts'
import type { Silence, SilenceMatchers } from '../../contract/noise.ts'
import { isOpen, nextChange } from '../calendar/hours.ts'
import { compilePattern } from '../language/pattern.ts'
import type { Hush, NoiseDevice, NoiseRule } from './state.ts'

/** A maintenance window as noise control sees it. What is null does not restrict it. */
export type Window = {
  id: string
  client: string
  device: string | null
  site: string | null
  tag: string | null
  startsAtMs: number
  endsAtMs: number
  reason: string
}

/** What may keep the alerts of one client from opening incidents. */
export type Hushes = { silences: readonly Silence[]; windows: readonly Window[]; calendar: Calendar }

/** One alert, or any that a rule may raise on a device: then `labels` is null. */
type Subject = {
  client: string
  device: NoiseDevice
  rule: { name: string } & Pick<NoiseRule, 'severity' | 'during'>
  labels: Readonly<Record<string, string>> | null
}

/** What keeps this from opening an incident now, with when that ends; silence before maintenance before hours. */
export function hushOf(
  { silences, windows, calendar }: Hushes,
  subject: Subject,
  nowMs: number,
): Hush | undefined {
  return (
    longest(
      silences
        .filter((one) => covers(one, nowMs) && isSilenced(one, subject))
        .map(({ id, reason, createdBy, endsAtMs }) => ({
          ...{ by: 'silence' as const, id, untilMs: endsAtMs, why: `silenced by ${createdBy}: ${reason}` },
        })),
    ) ??
    longest(
      windows
        .filter((one) => covers(one, nowMs) && isInWindow(one, subject))
        .map(({ id, reason, endsAtMs }) => ({
          ...{ by: 'maintenance' as const, id, untilMs: endsAtMs, why: `maintenance: ${reason}` },
        })),
    ) ??
    outsideHours(calendar, subject, nowMs)
  )
}

/** Is the device meant by this window? */
export function isInWindow(window: Window, { client, device }: Pick<Subject, 'client' | 'device'>): boolean {
  return (
    window.client === client &&
    (window.device === null || window.device === device.device) &&
    (window.site === null || window.site === device.site) &&
    (window.tag === null || device.tags.includes(window.tag))
  )
}

/** A fault of a silence's matchers by field; none when they can be used. */
export function matcherFaults(matchers: SilenceMatchers): { field: string; message: string }[] {
  const { labels, severity: _severity, ...rest } = matchers
  const labelled = Object.entries(labels ?? {}).map(([name, text]): [string, string] => [
    `labels.${name}`,
    text,
  ])
  const texts = [...Object.entries(rest), ...labelled]
  return texts.flatMap(([field, text]) => {
    if (text?.startsWith('~') !== true) return []
    try {
      pattern(text)
      return []
    } catch (thrown) {
      return [{ field, message: thrown instanceof Error ? thrown.message : String(thrown) }]
    }
  })
}

function isSilenced({ client, matchers }: Silence, { client: of, device, rule, labels }: Subject): boolean {
  if (client !== null && client !== of) return false
  const { site, device: name, tag, rule: ruleText, severity, labels: wanted } = matchers
  if (severity !== undefined && severity !== rule.severity) return false
  if (site !== undefined && !fits(site, device.site)) return false
  if (name !== undefined && !fits(name, device.device)) return false
  if (tag !== undefined && !device.tags.some((one) => fits(tag, one))) return false
  if (ruleText !== undefined && !fits(ruleText, rule.name)) return false
  const entries = Object.entries(wanted ?? {})
  // Of a rule as a whole nothing is said by a silence about some of its series.
  if (labels === null) return entries.length === 0
  return entries.every(([label, text]) => fits(text, labels[label] ?? ''))
}

function outsideHours(calendar: Calendar, { rule }: Subject, nowMs: number): Hush | undefined {
  if (rule.during !== 'business-hours' || isOpen(calendar, nowMs)) return undefined
  const why = `outside business hours (${calendar.timeZone})`
  return { by: 'business-hours', id: '', why, untilMs: nextChange(calendar, nowMs) }
}

function covers({ startsAtMs, endsAtMs }: { startsAtMs: number; endsAtMs: number }, nowMs: number): boolean {
  return startsAtMs <= nowMs && nowMs < endsAtMs
}

function longest(hushes: readonly Hush[]): Hush | undefined {
  return hushes.toSorted(
    (a, b) => (b.untilMs ?? Infinity) - (a.untilMs ?? Infinity) || (a.id < b.id ? -1 : 1),
  )[0]
}

function fits(matcher: string, text: string): boolean {
  return matcher.startsWith('~') ? pattern(matcher)(text) : matcher === text
}

const patterns = new Map<string, (text: string) => boolean>()

function pattern(matcher: string): (text: string) => boolean {
  let compiled = patterns.get(matcher)
  if (compiled === undefined) {
    compiled = compilePattern(matcher.slice(1))
    if (patterns.size > 1000) patterns.clear()
    patterns.set(matcher, compiled)
  }
  return compiled
}
