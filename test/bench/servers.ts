import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readServers, type Server } from './servers/data.ts'
import {
  bestSetting,
  falsePerWeek,
  type Judge,
  leaveOneOut,
  type Outcome,
  outcomeOf,
  recallOf,
  sumOf,
} from './servers/judge.ts'
import { correlatedJudge, costOf, randomJudge, staticJudge } from './servers/judges.ts'

/** The rule that ships resolves after two hours; so do the incidents here. */
const KEEP_MS = 2 * 3_600_000
const LIMIT = 1
/** From the least sensitive on. 1 is what ships. */
const SENSITIVITIES = [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2, 1.3]
const SIGMAS = [40, 30, 25, 20, 17, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3]
const RANDOM_PER_WEEK = [0.25, 0.5, 0.75, 1, 1.25]
/** One run finds none or one event by chance; this many make a rate. */
const RANDOM_SEEDS = Array.from({ length: 20 }, (_, index) => 20_240_101 + index)

/** Figures of `correlated` on labelled servers; never point-adjusted. */
export type ServersFigures = {
  /** Share of labelled events that an incident opened in, or up to an hour before and still open. One configuration. */
  recall: number
  /** Incidents that touch no event, in a machine-week of the labelled part. */
  falsePerMachineWeek: number
  /** The same with incidents that overlap an event but opened long before it counted as false. */
  strictFalsePerMachineWeek: number
  /** Sensitivity chosen on all servers but one, judged on that one. */
  leaveOneOutRecall: number
  leaveOneOutFalsePerMachineWeek: number
  /** A static bound of 3 deviations on each metric, and the widest bound that keeps the limit of one a week. */
  staticRecall: number
  staticFalsePerMachineWeek: number
  staticAtLimitRecall: number
  randomAtLimitRecall: number
  events: number
  labelledRuns: number
  machineWeeks: number
  bytesPerDevice: number
  microsecondsPerStep: number
}

/** Streams the servers under `--data` (default ../shared/data) through detectors and prints tables. */
export function run(args: string[]): ServersFigures {
  const { values } = parseArgs({ args, options: { data: { type: 'string', default: '../shared/data' } } })
  const servers = readServers(resolve(import.meta.dirname, '../..', values.data, 'servers'))
  const judged = (judge: Judge): Outcome[] => servers.map((server) => outcomeOf(server, judge, KEEP_MS))

  const sweep = SENSITIVITIES.map((sensitivity) => judged(correlatedJudge(sensitivity)))
  const shipped = sweep[SENSITIVITIES.indexOf(1)] ?? []
  const total = sumOf(shipped)
  const left = leaveOneOut(sweep, LIMIT)
  const sigmas = SIGMAS.map((sigma) => judged(staticJudge(sigma)))
  const threeSigma = sumOf(sigmas.at(-1) ?? [])
  const random = RANDOM_PER_WEEK.map((perWeek) =>
    RANDOM_SEEDS.flatMap((seed) => judged(randomJudge(perWeek, seed))),
  )

  printServers(servers, shipped)
  console.log('\ncorrelated by sensitivity (all servers)')
  SENSITIVITIES.forEach((sensitivity, at) => console.log(line(String(sensitivity), sumOf(sweep[at] ?? []))))
  console.log(line('leave one out', left))
  console.log('\nstatic bound on each metric, by deviations')
  SIGMAS.forEach((sigma, at) => console.log(line(String(sigma), sumOf(sigmas[at] ?? []))))
  console.log('\nrandom, by alarms a week')
  RANDOM_PER_WEEK.forEach((perWeek, at) => console.log(line(String(perWeek), sumOf(random[at] ?? []))))
  return {
    recall: recallOf(total),
    falsePerMachineWeek: falsePerWeek(total),
    strictFalsePerMachineWeek: (total.false + total.touching) / total.weeks,
    leaveOneOutRecall: recallOf(left),
    leaveOneOutFalsePerMachineWeek: falsePerWeek(left),
    staticRecall: recallOf(threeSigma),
    staticFalsePerMachineWeek: falsePerWeek(threeSigma),
    staticAtLimitRecall: atLimit(sigmas),
    randomAtLimitRecall: atLimit(random),
    events: total.events,
    labelledRuns: servers.reduce((sum, { labelledRuns }) => sum + labelledRuns, 0),
    machineWeeks: total.weeks,
    ...costOf(servers),
  }
}

function atLimit(sweep: readonly (readonly Outcome[])[]): number {
  const sums = sweep.map((outcomes) => sumOf(outcomes))
  const best = sums[bestSetting(sums, LIMIT) ?? -1]
  return best === undefined ? 0 : recallOf(best)
}

function printServers(servers: readonly Server[], outcomes: readonly Outcome[]): void {
  console.log('correlated as it ships')
  servers.forEach(({ name }, at) => {
    const outcome = outcomes[at]
    if (outcome !== undefined) console.log(line(name, outcome))
  })
}

function line(label: string, outcome: Outcome): string {
  const { found, events, incidents, touching } = outcome
  const figures = `recall ${recallOf(outcome).toFixed(2)} (${found}/${events})  false/week ${falsePerWeek(outcome).toFixed(2)}`
  return `${label.padEnd(16)}${figures}  incidents ${incidents}, overlapping too early ${touching}`
}
