import { parentPort, workerData } from 'node:worker_threads'
import { asVigiaError } from '../contract/errors.ts'
import { loadPacks } from '../rules/language/parse.ts'
import { transition, type IncidentCore } from './incident/transition.ts'
import type {
  BacktestJob,
  BacktestReply,
  BacktestRequest,
  BacktestResult,
} from './rules/backtest/messages.ts'
import { createSide, metricsOf, withReferences } from './rules/backtest/side.ts'
import { createReplayEar } from './rules/backtest/replay-verdict.ts'

// The thread of a backtest: rules over history, apart from the thread that serves.
const port = parentPort
if (!port) throw new Error('backtest-worker.ts runs as a worker thread only')

const job = workerData as BacktestJob
const reply = (message: BacktestReply): void => port.postMessage(message)
const { untilMs, tickMs, rule, recorded } = job
const ear = recorded === null ? undefined : createReplayEar(recorded, tickMs)
const sets = [job.present, ...(job.changed === null ? [] : [job.changed])].map((packs) => loadPacks(packs))
const sides = sets.map((rules, index) =>
  createSide<IncidentCore>({
    ...{ rules, rule, untilMs, tickMs },
    decide: transition,
    ...(index === 0 && ear !== undefined ? { hear: (alert) => ear.hear(alert) } : {}),
  }),
)

function answer(request: BacktestRequest): BacktestReply {
  switch (request.ask) {
    case 'begin':
      for (const side of sides) side.begin(request.device, request.hostname)
      return { is: 'done' }
    case 'take':
      for (const side of sides) side.take(request.block)
      return { is: 'done' }
    case 'end':
      for (const side of sides) side.end()
      return { is: 'done' }
    case 'finish':
      return { is: 'finished', result: result() }
    default:
      return request satisfies never
  }
}

function result(): BacktestResult {
  const [present, changed] = sides
  if (present === undefined) throw new RangeError('a backtest has a present side')
  const names = [...new Set(sets.flat().map(({ spec }) => spec.name))].toSorted()
  const byRule = names
    .map((name) => ({
      rule: name,
      present: present.countOf(name),
      changed: changed === undefined ? null : changed.countOf(name),
    }))
    .filter((row) => row.present > 0 || (row.changed ?? 0) > 0 || row.rule === rule)
  const unjudged = [...new Set(sides.flatMap((side) => side.unjudged))]
  const notes =
    unjudged.length === 0
      ? []
      : [`Rules that compare machines are not judged one machine after the other: ${unjudged.join(', ')}.`]
  return {
    present: present.result(),
    changed: changed?.result() ?? null,
    byRule,
    notes,
    replay: ear?.verdict() ?? null,
  }
}

port.on('message', (request: BacktestRequest) => {
  try {
    reply(answer(request))
  } catch (thrown) {
    const { code, message } = asVigiaError(thrown)
    reply({ is: 'failed', code, message })
  }
})
const watched = sets.map((rules) => metricsOf(rule === null ? rules : withReferences(rules, rule)))
reply({
  is: 'ready',
  metrics: watched.includes(null) ? null : [...new Set(watched.flatMap((metrics) => metrics ?? []))],
})
