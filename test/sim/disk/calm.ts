import type { Draw } from './random.ts'

/**
 * Used space in per cent at a moment, in days since Monday 00:00. Asked in the order of time, so that it may keep
 * what it drew before.
 */
export type Behaviour = (day: number) => number
/** Draws the figures of one disk of a kind. */
export type Kind = (draw: Draw) => Behaviour

/** Runs from 0 to 1 within a period, sharply back. */
export const tooth = (day: number, period: number, phase: number): number =>
  ((((day + phase) % period) + period) % period) / period

/** A burst that rises within `rise` days, stays for `hold` and is gone within `fall`; 0 to 1. */
export const burst = (since: number, rise: number, hold: number, fall: number): number =>
  since < 0
    ? 0
    : since < rise
      ? since / rise
      : since < rise + hold
        ? 1
        : Math.max(0, 1 - (since - rise - hold) / fall)

/** Whether it is a workday, and how much of its eight to eighteen o'clock is over (0 to 1). */
export function work(day: number): { isWorkday: boolean; done: number } {
  const hour = (day % 1) * 24
  return { isWorkday: Math.floor(day) % 7 < 5, done: Math.min(1, Math.max(0, (hour - 8) / 10)) }
}

/** Kinds that never fill: what an operator must not be called for. */
export const CALM: Readonly<Record<string, Kind>> = {
  'still-low': (draw) => level(draw.between(15, 70)),
  'still-high': (draw) => level(draw.between(85, 98.3)),
  rotation: (draw) => {
    const [low, height] = [draw.between(20, 60), draw.between(5, 34)]
    const [period, phase] = [draw.scale(0.15, 6.5), draw.between(0, 7)]
    return (day) => low + height * tooth(day, period, phase)
  },
  'rotation-by-size': (draw) => {
    const [low, height, pace] = [draw.between(20, 55), draw.between(10, 36), draw.scale(4, 90)]
    let [value, last, top] = [low, 0, low + height]
    return (day) => {
      value += pace * (day - last) * draw.between(0.6, 1.4)
      last = day
      if (value > top) {
        value = low + draw.between(-1, 2)
        top = low + height * draw.between(0.9, 1.05)
      }
      return value
    }
  },
  'backup-daily': (draw) => bursts(draw, 1, 0),
  'backup-weekly': (draw) => bursts(draw, 7, 0),
  'backup-varying': (draw) => bursts(draw, 1, 0.12),
  'clean-up-nightly': (draw) => {
    const [low, height, hour] = [draw.between(30, 80), draw.between(3, 14), draw.between(0, 5)]
    return (day) => {
      const { isWorkday, done } = work(day - hour / 24)
      return low + (isWorkday ? height * done : 0)
    }
  },
  'one-step': (draw) => {
    const [low, at, height, length] = [
      draw.between(20, 65),
      draw.between(9, 38),
      draw.between(5, 28),
      draw.scale(0.003, 0.08),
    ]
    return (day) => low + height * Math.min(1, Math.max(0, (day - at) / length))
  },
  'steps-both-ways': (draw) => {
    let [value, next] = [draw.between(30, 75), draw.between(1, 6)]
    let [target, length] = [value, 0.01]
    let [from, began] = [value, 0]
    return (day) => {
      if (day >= next) {
        ;[from, began, length] = [value, day, draw.scale(0.004, 0.1)]
        target = Math.min(93, Math.max(15, value + draw.pick([-1, 1]) * draw.between(2, 14)))
        next = day + draw.between(1.5, 8)
      }
      value = from + (target - from) * Math.min(1, (day - began) / length)
      return value
    }
  },
  'builds-at-random': (draw) => {
    const [low, height, perDay] = [draw.between(25, 70), draw.between(5, 24), draw.scale(1, 8)]
    let [began, next, size, length] = [-9, 0.3, 0, 0.02]
    return (day) => {
      if (day >= next) {
        ;[began, size, length] = [day, height * draw.between(0.5, 1), draw.scale(0.01, 0.06)]
        next = day + 3 * length + draw.between(0.2, 1.8) / perDay
      }
      return low + size * burst(day - began, length, length / 2, length / 4)
    }
  },
  wandering: (draw) => {
    const [mean, size, pull] = [draw.between(30, 88), draw.between(0.4, 2.2), draw.scale(0.15, 3)]
    let [value, last] = [0, 0]
    return (day) => {
      const gap = Math.max(0, day - last)
      last = day
      const kept = Math.exp(-pull * gap)
      value = value * kept + size * Math.sqrt(1 - kept * kept) * draw.normal()
      return Math.min(98.5, mean + value)
    }
  },
  'leak-too-slow': (draw) => {
    const [low, perDay] = [draw.between(20, 70), draw.between(0.02, 0.4)]
    return (day) => low + perDay * day
  },
  saturating: (draw) => {
    const [low, height, constant] = [draw.between(15, 50), draw.between(10, 38), draw.scale(1, 12)]
    return (day) => low + height * (1 - Math.exp(-day / constant))
  },
  'upgrade-taken-back': (draw) => {
    const [low, at, height, stays] = [
      draw.between(30, 72),
      draw.between(8, 25),
      draw.between(6, 20),
      draw.between(0.5, 10),
    ]
    const length = draw.scale(0.01, 0.08)
    return (day) => low + height * burst(day - at, length, stays, 0.02)
  },
  draining: (draw) => {
    const [high, perDay] = [draw.between(60, 96), draw.between(0.1, 1)]
    return (day) => Math.max(10, high - perDay * day)
  },
}

/** Calm behaviour at a level, with the daily breath of a machine in use. */
export function level(value: number, breath = 0.15): Behaviour {
  return (day) => value + breath * Math.sin(2 * Math.PI * day)
}

function bursts(draw: Draw, period: number, spread: number): Behaviour {
  const [low, height] = [draw.between(25, 70), draw.between(8, 26)]
  const [rise, fall, phase] = [draw.scale(0.02, 0.15), draw.scale(0.01, 0.12), draw.between(0, period)]
  const hold = draw.chance(0.5) ? 0 : draw.between(0, 0.1)
  let [cycle, size, late] = [-1, height, 0]
  return (day) => {
    const number = Math.floor((day + phase) / period)
    if (number !== cycle) {
      cycle = number
      size = height * Math.max(0.3, 1 + spread * draw.normal())
      late = draw.between(0, 0.02)
    }
    return Math.min(98.5, low + size * burst(((day + phase) % period) - late, rise, hold, fall))
  }
}
