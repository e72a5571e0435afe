import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { VigiaError } from '../../contract/errors.ts'
import { METRICS, metricInfo } from '../../contract/metrics.ts'
import type { AlertTransition, Evidence } from '../../contract/rules.ts'
import { createEngine, type Engine } from '../../rules/engine/engine.ts'
import type { CompiledRule } from '../../rules/language/compiled.ts'
import { nearest } from '../../rules/language/nearest.ts'
import type { DeviceContext } from '../../rules/selector.ts'
import { type IncidentCore, transition } from '../../server/incident/transition.ts'
import { shippedPacks } from '../../server/rule-packs.ts'
import { choiceOption } from '../options.ts'
import { csvCell } from './csv.ts'
import { readData } from './data-file.ts'
import { checkPacks } from './files.ts'
import { notMeantFor, type ReplaySubject, replaySubject, type SubjectOptions } from './replay-subject.ts'

/** An incident that the rules opened over the data: when, by which rule and on what evidence. */
export type ReplayedIncident = {
  series: string
  minute: number
  rule: string
  cause: string
  evidence: Evidence
}

/** Takes samples in; `incidents` are those opened so far. */
export type Replay = {
  sample(minute: number, series: string, value: number): void
  incidents: ReplayedIncident[]
}

/** One series of the data: a device of its own with what the engine and the incidents remember of it. */
type Track = {
  series: string
  engine: Engine
  device: DeviceContext
  incidents: Map<string, IncidentCore>
}

/** Where simulated time begins: Monday, 5 January 2026, 00:00 UTC, so that minute 0 is the start of a week. */
const START_MS = Date.UTC(2026, 0, 5)
const TICK_MS = 60_000

/**
 * Runs rules over samples of one metric with simulated time. Each series is a device of its own; what opens,
 * joins, reopens and resolves an incident is decided as the server does.
 */
export function createReplay(
  rules: readonly CompiledRule[],
  metric: string,
  { layout, device: alike }: ReplaySubject = replaySubject(rules, metric),
): Replay {
  const specs = new Map(rules.map(({ spec }) => [spec.name, spec]))
  const timed = rules.some(({ detector }) => detector.driven === 'time')
  const shared = createEngine({ rules })
  const tracks = new Map<string, Track>()
  const incidents: ReplayedIncident[] = []
  const values = new Float64Array(1)
  const out: AlertTransition[] = []
  let tickedMs = 0

  function trackOf(series: string): Track {
    const known = tracks.get(series)
    if (known !== undefined) return known
    // Time begins anew with each series where a rule judges by time; otherwise they share what they can.
    const engine = timed ? createEngine({ rules }) : shared
    const device = { ...alike, device: `d-${tracks.size.toString(36).padStart(16, '0')}`, hostname: series }
    const made = { series, engine, device, incidents: new Map<string, IncidentCore>() }
    tracks.set(series, made)
    tickedMs = 0
    return made
  }

  function apply(track: Track): void {
    for (const alert of out) {
      const current = track.incidents.get(alert.cause) ?? null
      const { change, incident } = transition(current, alert, specs.get(alert.rule))
      if (incident !== null) track.incidents.set(alert.cause, incident)
      if (change !== 'opened') continue
      const { rule, cause, evidence, atMs } = alert
      incidents.push({ series: track.series, minute: (atMs - START_MS) / 60_000, rule, cause, evidence })
    }
    out.length = 0
  }

  return {
    incidents,
    sample(minute, series, value) {
      const track = trackOf(series)
      const timeMs = START_MS + Math.round(minute * 60_000)
      if (timed)
        for (let atMs = Math.max(tickedMs + TICK_MS, timeMs - 86_400_000); atMs <= timeMs; atMs += TICK_MS)
          track.engine.tick((tickedMs = atMs), out)
      values[0] = value
      track.engine.observe(track.device, { layout, timeMs, values, late: false }, out)
      if (out.length > 0) apply(track)
    },
  }
}

/** Adds `vigia rules replay`. RULES_INVALID, REQUEST_INVALID or NOT_FOUND say what is wrong and where. */
export function registerReplay(rules: Command): void {
  rules
    .command('replay')
    .description('run rules over recorded data with simulated time: one row for each incident opened')
    .requiredOption('--metric <name>', 'what the values are, such as disk.used_percent')
    .option('--data <file>', 'CSV or CSV.gz: a header, then minute, series name, value')
    .requiredOption('--out <file>', 'CSV to write: series,minute')
    .option('--rules <file>', 'a rule pack; without it the packs that ship')
    .option('--rule <name>', 'only this rule of the packs')
    .option('--label <labels...>', 'labels of the series, as NAME=VALUE; else those that the rules ask for')
    .addOption(choiceOption('--os <os>', 'system of the devices', ['linux', 'windows', 'macos'], 'linux'))
    .option('--tag <tags...>', 'tags of the devices, such as server')
    .action(async (options: ReplayOptions, command: Command) => {
      // The program's own --data (a directory) takes the text before this command sees it.
      const { data, json } = command.optsWithGlobals<{ data?: string; json?: boolean }>()
      if (data === undefined) throw new VigiaError('USAGE', 'Name the file to replay with --data FILE.')
      const rules = await rulesFor(options)
      const subject = replaySubject(rules, options.metric, subjectOptions(options))
      const leftOut = notMeantFor(rules, subject)
      const reasons = leftOut.map(({ rule, why }) => `${rule} is left out: ${why}.`)
      if (leftOut.length === rules.length)
        throw new VigiaError(
          'USAGE',
          `${reasons.join(' ')} Say what is replayed with --label, --os or --tag.`,
        )
      const replay = createReplay(rules, options.metric, subject)
      const seen = new Set<string>()
      let rows = 0
      await readData(data, (minute, series, value) => {
        rows++
        seen.add(series)
        replay.sample(minute, series, value)
      })
      const lines = replay.incidents.map(
        ({ series, minute }) => `${csvCell(series)},${Number(minute.toFixed(3))}\n`,
      )
      await writeFile(options.out, ['series,minute\n', ...lines].join('')).catch((thrown: unknown) => {
        throw new VigiaError('USAGE', `cannot write ${options.out}`, { cause: thrown })
      })
      const opened = replay.incidents.length
      const text = [
        `${rows} samples of ${seen.size} series: ${opened} incidents opened, written to ${options.out}`,
        ...reasons,
      ]
      const answer = { samples: rows, series: seen.size, incidents: opened, leftOut, out: options.out }
      process.stdout.write(json === true ? `${JSON.stringify(answer)}\n` : `${text.join('\n')}\n`)
    })
}

type ReplayOptions = {
  metric: string
  out: string
  rules?: string
  rule?: string
  label?: string[]
  os: string
  tag?: string[]
}

function subjectOptions({ label = [], os, tag = [] }: ReplayOptions): SubjectOptions {
  const labels = label.map((text) => {
    const at = text.indexOf('=')
    if (at < 1) throw new VigiaError('USAGE', `--label is NAME=VALUE, not ${JSON.stringify(text)}.`)
    return [text.slice(0, at), text.slice(at + 1)]
  })
  return { labels: Object.fromEntries(labels) as Record<string, string>, os, tags: tag }
}

async function rulesFor({ metric, rules: file, rule: name }: ReplayOptions): Promise<CompiledRule[]> {
  if (metricInfo(metric) === undefined) {
    const known = Object.keys(METRICS)
    const near = nearest(metric, known)
    throw new VigiaError(
      'USAGE',
      `No metric is called ${metric}; ${near === undefined ? `${known.length} are known, such as disk.used_percent` : `did you mean ${near}?`}`,
    )
  }
  const packs = await checkPacks(file === undefined ? shippedPacks() : [file])
  const all = packs.flatMap(({ rules }) => rules)
  const named = name === undefined ? all : all.filter(({ spec }) => spec.name === name)
  if (named.length === 0) {
    const names = all.map(({ spec }) => spec.name)
    const near = nearest(name ?? '', names)
    const those =
      file === undefined ? 'vigia rules list names those in force' : `Rules here: ${names.join(', ')}`
    throw new VigiaError(
      'NOT_FOUND',
      `No rule is called ${name ?? ''}${near === undefined ? '' : `; did you mean ${near}?`}. ${those}.`,
    )
  }
  const watching = named.filter(({ spec }) => spec.signal.metric === metric && spec.enabled)
  if (watching.length === 0)
    throw new VigiaError(
      'NOT_FOUND',
      `None of the ${named.length} rules watches ${metric}${name === undefined ? '' : `: ${name} watches ${named.map(({ spec }) => spec.signal.metric).join(', ')}`}.`,
    )
  return watching
}
