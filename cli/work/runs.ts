import type { Command } from 'commander'
import { RUN_STATES, type RunResult } from '../../contract/run.ts'
import { contextOf } from '../command.ts'
import { choiceOption, numberOption } from '../options.ts'
import { table, when } from '../output.ts'
import { countsText, runText } from './run-text.ts'

const FAILED: readonly RunResult['state'][] = ['failed', 'refused', 'unknown', 'expired']

/** `vigia runs list|show|results|cancel|rerun`. */
export function registerRuns(program: Command): void {
  const runs = program.command('runs').description('scripts on many devices: what ran, and how it ended')
  runs
    .command('list')
    .description('runs and schedules, newest first')
    .addOption(choiceOption('--state <state>', 'only in this state', RUN_STATES))
    .addOption(numberOption('--limit <number>', 'so many at most', 30))
    .action(async (options: { state?: (typeof RUN_STATES)[number]; limit: number }, command: Command) => {
      const { server, out } = contextOf(command)
      const { runs: found } = await server.call('runs', { query: options })
      out.print(found, () =>
        found.length === 0
          ? 'No run yet.'
          : table(
              ['RUN', 'SCRIPT', 'STATE', 'DEVICES', 'ORDERED BY', 'BEGAN', 'NEXT', 'RESULT'],
              found.map((run) => [
                ...[run.id, `${run.script}@${run.scriptVersion}`, run.state, run.devices, run.orderedBy],
                ...[when(run.startedAtMs), when(run.nextMs), run.why ?? countsText(run.counts)],
              ]),
            ),
      )
    })
  runs
    .command('show <id>')
    .description('one run')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const run = await server.call('run', { params: { id } })
      out.print(run, () => [
        runText(run),
        `Ordered by ${run.orderedBy} at ${when(run.createdAtMs)}${run.request.reason === '' ? '' : `: ${run.request.reason}`}`,
        ...(run.waves.length === 0
          ? []
          : [`Wave ${run.wave + 1} of ${run.waves.length}, which reach ${run.waves.join(', ')} devices.`]),
      ])
    })
  runs
    .command('results <id>')
    .description('one line for each device')
    .option('--failed', 'only where it failed, was lost or found nobody')
    .option('--by <what>', 'group by "exit" (the exit code) or by a field that the script told')
    .option('--csv', 'as CSV, whole')
    .action(
      async (id: string, options: { failed?: boolean; by?: string; csv?: boolean }, command: Command) => {
        const { server, out } = contextOf(command)
        if (options.csv) {
          const { bytes } = await server.download(`/api/runs/${encodeURIComponent(id)}/results?format=csv`)
          process.stdout.write(bytes)
          return
        }
        const { results } = await server.call('runResults', { params: { id }, query: {} })
        const rows = options.failed ? results.filter(({ state }) => FAILED.includes(state)) : results
        if (options.by !== undefined) {
          const groups = groupBy(rows, options.by)
          out.print(groups, () =>
            table(
              [options.by === 'exit' ? 'EXIT' : (options.by ?? ''), 'DEVICES', 'HOSTS'],
              groups.map(({ value, devices, hosts }) => [
                ...[value, devices],
                hosts.slice(0, 5).join(', ') + (hosts.length > 5 ? ' …' : ''),
              ]),
            ),
          )
          return
        }
        out.print(rows, () =>
          table(
            ['HOST', 'CLIENT', 'WAVE', 'STATE', 'EXIT', 'MS', 'REASON', 'FIELDS'],
            rows.map((row) => [
              ...[row.hostname, row.client, row.wave + 1, row.state, row.exitCode, row.tookMs, row.reason],
              Object.entries(row.fields)
                .map(([name, value]) => `${name}=${value}`)
                .join(' '),
            ]),
          ),
        )
      },
    )
  runs
    .command('cancel <id>')
    .description('begin nothing more and end what is at work; a schedule never begins again')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const run = await server.call('cancelRun', { params: { id } })
      out.print(run, () => runText(run))
    })
  runs
    .command('rerun <id>')
    .description('the same again on the devices where it failed')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const run = await server.call('rerunFailed', { params: { id } })
      out.print(run, () => runText(run))
    })
}

/** Results by exit code or by a field, the largest group first. */
export function groupBy(
  rows: readonly RunResult[],
  by: string,
): { value: string; devices: number; hosts: string[] }[] {
  const groups = new Map<string, string[]>()
  for (const row of rows) {
    const value =
      by === 'exit'
        ? row.exitCode === null
          ? row.state
          : String(row.exitCode)
        : (row.fields[by] ?? '(none)')
    groups.set(value, [...(groups.get(value) ?? []), row.hostname])
  }
  return [...groups]
    .map(([value, hosts]) => ({ value, devices: hosts.length, hosts }))
    .sort((a, b) => b.devices - a.devices || (a.value < b.value ? -1 : 1))
}
