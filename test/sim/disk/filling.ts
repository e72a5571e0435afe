import { type Behaviour, burst, CALM, type Kind, level, tooth, work } from './calm.ts'
import type { Draw } from './random.ts'

/** A kind that fills, and when its trouble begins, in days. */
export type FillingKind = (draw: Draw) => { onsetDay: number; behaviour: Behaviour }

const CALM_BEFORE = ['still-low', 'backup-daily', 'clean-up-nightly', 'rotation'] as const

/** Kinds that fill: each must be foretold. */
export const FILLING: Readonly<Record<string, FillingKind>> = {
  leak: (draw) => fromStart(straight(draw, draw.between(12, 40))),
  'leak-breathing': (draw) => {
    const [grow, size, phase] = [
      straight(draw, draw.between(12, 40)),
      draw.between(0.2, 1),
      draw.between(0, 1),
    ]
    return fromStart((day) => grow(day) + size * Math.sin(2 * Math.PI * (day + phase)))
  },
  'leak-under-backups': (draw) => {
    const grow = straight(draw, draw.between(15, 40))
    const [height, rise, phase] = [draw.between(3, 12), draw.scale(0.02, 0.1), draw.between(0, 1)]
    return fromStart((day) => grow(day) + height * burst((day + phase) % 1, rise, 0, rise / 2))
  },
  'leak-with-clean-ups': (draw) => {
    const [low, perDay] = [draw.between(30, 70), draw.between(2, 5)]
    let [freed, next] = [0, draw.between(2, 5)]
    return fromStart((day) => {
      if (day >= next) {
        freed += perDay * draw.between(0.2, 1)
        next = day + draw.between(2, 6)
      }
      return low + perDay * day - freed
    })
  },
  'leak-late': (draw) => {
    const [onset, length, calm] = [draw.between(12, 26), draw.between(4, 14), draw.between(25, 80)]
    return { onsetDay: onset, behaviour: (day) => calm + ((100 - calm) * Math.max(0, day - onset)) / length }
  },
  'fill-in-days': (draw) => {
    const [onset, length, calm] = [draw.between(12, 34), draw.between(1.3, 4), draw.between(25, 80)]
    return { onsetDay: onset, behaviour: (day) => calm + ((100 - calm) * Math.max(0, day - onset)) / length }
  },
  workdays: (draw) => {
    const [low, perDay] = [draw.between(30, 80), draw.between(1, 4)]
    return fromStart((day) => low + perDay * workdaysUntil(day))
  },
  'nightly-job': (draw) => {
    const [low, size, hour, length] = [
      draw.between(30, 80),
      draw.between(0.8, 4),
      draw.between(0, 6),
      draw.scale(0.01, 0.06),
    ]
    return fromStart((day) => {
      const shifted = day - hour / 24
      return low + size * (Math.floor(shifted) + Math.min(1, (shifted - Math.floor(shifted)) / length))
    })
  },
  'weekly-job': (draw) => {
    const [low, size, at] = [draw.between(45, 75), draw.between(4, 9), draw.between(0, 7)]
    return fromStart((day) => {
      const weeks = (day + at) / 7
      return low + size * (Math.floor(weeks) + Math.min(1, (weeks - Math.floor(weeks)) / 0.02))
    })
  },
  accelerating: (draw) => {
    const [low, length, power] = [draw.between(25, 75), draw.between(14, 40), draw.between(1.5, 3)]
    return fromStart((day) => low + (100 - low) * (day / length) ** power)
  },
  'rising-floor': (draw) => {
    const [low, length, height] = [draw.between(25, 60), draw.between(14, 40), draw.between(5, 20)]
    const [period, phase] = [draw.scale(0.2, 3), draw.between(0, 3)]
    const perDay = (100 - height - low) / length
    return fromStart((day) => low + perDay * day + height * tooth(day, period, phase))
  },
  uploads: (draw) => {
    const [low, perDay] = [draw.between(40, 75), draw.between(1, 3)]
    let [value, next] = [low, 0.1]
    return fromStart((day) => {
      while (day >= next) {
        value += (perDay / 6) * draw.between(0.2, 1.8)
        next += draw.between(0.05, 0.28)
      }
      return value
    })
  },
  'runaway-hours': (draw) => runaway(draw, draw.scale(5, 22) / 24),
  'runaway-bending': (draw) => runaway(draw, draw.scale(6, 22) / 24, draw.between(0.7, 1.5)),
  'runaway-fast': (draw) => runaway(draw, draw.between(0.4, 1.8) / 24),
  'rotation-stops': (draw) => {
    const [low, height, period] = [draw.between(20, 50), draw.between(6, 22), draw.scale(0.2, 1.5)]
    const onset = period * Math.ceil(draw.between(12, 30) / period)
    return {
      onsetDay: onset,
      behaviour: (day) => low + height * (day < onset ? tooth(day, period, 0) : (day - onset) / period),
    }
  },
}

function fromStart(behaviour: Behaviour): { onsetDay: number; behaviour: Behaviour } {
  return { onsetDay: 0, behaviour }
}

function straight(draw: Draw, days: number): Behaviour {
  const low = draw.between(25, 80)
  return (day) => low + ((100 - low) * day) / days
}

function workdaysUntil(day: number): number {
  const week = Math.floor(day / 7)
  const { isWorkday, done } = work(day)
  return week * 5 + Math.min(5, Math.floor(day) - week * 7) + (isWorkday ? done : 0)
}

function runaway(draw: Draw, length: number, power = 1): { onsetDay: number; behaviour: Behaviour } {
  const calm: Kind | undefined = CALM[draw.pick(CALM_BEFORE)]
  const before = draw.chance(0.5) || calm === undefined ? level(draw.between(25, 82)) : calm(draw)
  const onsetDay = draw.between(12, 38)
  let start: number | undefined
  return {
    onsetDay,
    behaviour: (day) => {
      if (day < onsetDay) return before(day)
      start ??= Math.min(88, before(day))
      return start + (100 - start) * ((day - onsetDay) / length) ** power
    },
  }
}
