import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { VigiaError } from '../../contract/errors.ts'
import type {
  BacktestIncident,
  BacktestSide,
  BacktestView,
  ReplayVerdict,
} from '../../contract/rule-views.ts'
import { parseDuration } from '../../rules/duration.ts'
import { contextOf } from '../command.ts'
import { printable, table, when } from '../output.ts'
import { findDevice } from '../fleet/find-device.ts'
import type { ServerApi } from '../server-api.ts'
import { readPacks } from './in-force.ts'

type Options = {
  since: string
  rules?: string[]
  rule?: string
  device?: string
  client?: string
  incident?: string
}

const ASK_EVERY_MS = 500
const TELL_EVERY_MS = 5000

/** Adds `vigia rules backtest`: the server runs it beside its work, and Ctrl-C stops it. */
export function registerBacktest(rules: Command): void {
  rules
    .command('backtest')
    .description(
      'what rules would have done on the history of this installation; with --rules, what a change would',
    )
    .option('--since <span>', 'how far back, such as 30d or 12h', '30d')
    .option('--rules <packs...>', 'YAML files that take the place of packs with the same name, or join them')
    .option('--rule <rule>', 'only incidents of this rule')
    .option('--device <device>', 'only this device (id or host name)')
    .option('--client <client>', 'only devices of this client')
    .option('--incident <id>', "replay an incident: its rule as it was, over its device's samples")
    .action(async (options: Options, command: Command) => {
      const { server, out } = contextOf(command)
      const started = await server.call('startBacktest', { body: await requestOf(server, options) })
      const interrupt = (): void => {
        server
          .call('cancelBacktest', { params: { id: started.id } })
          .catch((error: unknown) => out.progress(String(error)))
      }
      process.once('SIGINT', interrupt)
      const view = await waitFor(server, started, (text) => out.progress(text))
      process.off('SIGINT', interrupt)
      if (view.error !== null) throw new VigiaError('CONFLICT', `The backtest failed: ${view.error.message}`)
      out.print(view, () => (view.replay === null ? findings(view) : replayed(view, view.replay)))
      if (view.state === 'cancelled') process.exitCode = 130
      else if (view.replay !== null && !view.replay.same) process.exitCode = 1
    })
}

async function requestOf(server: ServerApi, options: Options) {
  const { since, rules: files, rule, device, client, incident } = options
  if (incident !== undefined) return { incident }
  const spanMs = parseDuration(since)
  if (spanMs === undefined || spanMs === 0)
    throw new VigiaError('USAGE', `--since is a span such as 30d or 12h, not ${JSON.stringify(since)}.`)
  return {
    sinceMs: Math.max(0, Date.now() - spanMs),
    packs: files === undefined ? [] : await readPacks(files),
    ...(rule === undefined ? {} : { rule }),
    ...(client === undefined ? {} : { client }),
    ...(device === undefined ? {} : { device: await findDevice(server, device) }),
  }
}

async function waitFor(
  server: ServerApi,
  started: BacktestView,
  tell: (text: string) => void,
): Promise<BacktestView> {
  let toldMs = performance.now()
  for (let view = started; ; view = await server.call('backtest', { params: { id: started.id } })) {
    if (view.state !== 'running') return view
    if (performance.now() - toldMs > TELL_EVERY_MS) {
      const { devices, devicesDone, samples, samplesPerSecond } = view.progress
      tell(`${devicesDone} of ${devices} devices, ${samples} samples, ${samplesPerSecond} a second`)
      toldMs = performance.now()
    }
    await sleep(ASK_EVERY_MS)
  }
}

function findings(view: BacktestView): string[] {
  const { present, changed, byRule, notes, progress } = view
  if (view.state === 'cancelled') return ['The backtest was cancelled.']
  return [
    view.verdict ?? '',
    `From ${when(view.fromMs)} to ${when(view.untilMs)}: ${progress.samples} samples of ${progress.devices} devices, ${progress.samplesPerSecond} a second.`,
    ...(byRule.length === 0
      ? []
      : [
          '',
          ...table(
            changed === null ? ['RULE', 'INCIDENTS'] : ['RULE', 'IN FORCE', 'CHANGED'],
            byRule.map((row) =>
              changed === null ? [row.rule, row.present] : [row.rule, row.present, row.changed],
            ),
          ),
        ]),
    ...listed(changed === null ? '' : 'With the change:', changed ?? present),
    ...notes.map((note) => `Note: ${note}`),
  ]
}

function listed(title: string, side: BacktestSide | null): string[] {
  if (side === null || side.list.length === 0) return []
  const row = (incident: BacktestIncident): (string | number)[] => [
    ...[when(incident.openedAtMs), when(incident.resolvedAtMs), incident.rule, incident.hostname],
    ...[incident.severity, incident.sentence],
  ]
  return [
    '',
    ...(title === '' ? [] : [title]),
    ...table(['OPENED', 'RESOLVED', 'RULE', 'HOST', 'SEVERITY', 'WHY'], side.list.map(row)),
    ...(side.list.length < side.incidents ? [`${side.incidents - side.list.length} more are counted.`] : []),
    '',
  ]
}

function replayed(view: BacktestView, replay: ReplayVerdict): string[] {
  const { recorded, replayed: again, story } = replay
  return [
    view.verdict ?? '',
    printable(`Rule ${replay.rule} in version ${replay.ruleVersion}, alert ${replay.fingerprint}`),
    printable(`  then  ${when(recorded.atMs)}  ${recorded.sentence}`),
    again === null ? '  now   it does not fire' : printable(`  now   ${when(again.atMs)}  ${again.sentence}`),
    ...(again?.evidence.forecast == null
      ? []
      : [
          printable(
            `        forecast ${when(again.evidence.forecast.atMs)} (between ${when(again.evidence.forecast.earliestMs)} and ${when(again.evidence.forecast.latestMs)})${again.evidence.forecast.basis === undefined ? '' : `, ${again.evidence.forecast.basis}`}`,
          ),
        ]),
    ...(again?.evidence.ruledOut ?? []).map(({ explanation, because }) =>
      printable(`        not ${explanation}: ${because}`),
    ),
    `  ${view.progress.samples} samples from ${when(view.fromMs)} to ${when(view.untilMs)}; the alert in them:`,
    ...story.map(({ kind, atMs, sentence }) => printable(`    ${when(atMs)}  ${kind}  ${sentence}`)),
    ...view.notes.map((note) => `Note: ${note}`),
  ]
}
