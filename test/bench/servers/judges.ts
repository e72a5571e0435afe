import { correlated } from '../../../rules/detectors/correlated.ts'
import { BREACH, CLEAR, type VectorDetector } from '../../../rules/detector.ts'
import type { Server } from './data.ts'
import type { Judge } from './judge.ts'

const detector: VectorDetector = correlated

/** The detector as it ships, with another sensitivity. */
export function correlatedJudge(sensitivity: number): Judge {
  return ({ names }) => {
    const bank = detector.create({ metrics: names.slice(1), sensitivity })
    bank.slab.open(0)
    return (values, timeMs) => bank.step(0, timeMs, values)
  }
}

/** What each state costs and how long a step takes. */
export function costOf(servers: readonly Server[]): { bytesPerDevice: number; microsecondsPerStep: number } {
  const [server] = servers
  if (server === undefined) throw new RangeError('no server')
  const bank = detector.create({ metrics: server.names.slice(1) })
  const devices = 64
  for (let slot = 0; slot < devices; slot++) bank.slab.open(slot)
  const start = process.cpuUsage()
  server.rows.slice(0, 3000).forEach((values, row) => {
    for (let slot = 0; slot < devices; slot++) bank.step(slot, (row + 1) * 300_000, values)
  })
  const { user, system } = process.cpuUsage(start)
  return {
    bytesPerDevice: bank.slab.bytesPerSlot,
    microsecondsPerStep: (user + system) / (devices * Math.min(3000, server.rows.length)),
  }
}

/** A static bound on each metric: mean and deviation of the unlabelled part, `sigmas` to each side. */
export function staticJudge(sigmas: number): Judge {
  return ({ rows, testFrom, names }) => {
    const train = rows.slice(0, testFrom)
    const mean = names.map((_name, at) => train.reduce((sum, row) => sum + (row[at] ?? 0), 0) / train.length)
    const deviation = names.map((_name, at) =>
      Math.sqrt(train.reduce((sum, row) => sum + ((row[at] ?? 0) - (mean[at] ?? 0)) ** 2, 0) / train.length),
    )
    return (values) => {
      for (let at = 0; at < values.length; at++) {
        const away = Math.abs((values[at] ?? 0) - (mean[at] ?? 0))
        if (away > sigmas * (deviation[at] ?? 0) && away > 1e-9) return BREACH
      }
      return CLEAR
    }
  }
}

/** Alarms at random, `perWeek` a machine-week on average, from a seed (mulberry32). */
export function randomJudge(perWeek: number, seed: number): Judge {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return () => () => (next() < perWeek / 2016 ? BREACH : CLEAR)
}
