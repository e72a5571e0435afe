import type * as z from 'zod'
import { CompositeParameters, type Condition } from '../../contract/detectors/composite.ts'
import { metricInfo } from '../../contract/metrics.ts'
import { anyDetector, BREACH, CLEAR, STAY, type Operand } from '../detector.ts'
import { numberText } from '../number-text.ts'
import { createSlab } from '../state/slab.ts'

type Parameters = z.infer<typeof CompositeParameters>
type Join = keyof Parameters
type Joined = { join: Join; condition: Condition }

const JOINS: readonly Join[] = ['all', 'any', 'not', 'unless']

/**
 * Conditions over one series, others of the same device, and other rules. Each bound has a side of starting and
 * one of recovery: an alert starts when the whole holds on the strict side of all of them, and stays while it
 * holds on the lenient side. What is not known neither starts an alert nor ends one.
 */
export const composite = anyDetector({
  name: 'composite',
  driven: 'alerts',
  parameters: CompositeParameters,
  check: (parameters) =>
    JOINS.flatMap((join) =>
      parameters[join].flatMap(({ above, below, clear }) => {
        if (clear === undefined) return []
        if (above !== undefined && clear > above)
          return [{ field: join, message: `clear (${clear}) must not be over above (${above})` }]
        if (below !== undefined && clear < below)
          return [{ field: join, message: `clear (${clear}) must not be under below (${below})` }]
        return []
      }),
    ),
  operandsOf: (parameters) => joinedOf(parameters).map(({ condition }) => operandOf(condition)),
  create(parameters) {
    const joined = joinedOf(parameters)
    const width = joined.length
    const joins = joined.map(({ join }) => join)
    const bounds = joined.map(({ condition }) => boundOf(condition))
    const signs = Float64Array.from(bounds, ({ sign }) => sign)
    const starts = Float64Array.from(bounds, ({ start }) => start)
    const recovers = Float64Array.from(bounds, ({ recover }) => recover)
    const slab = createSlab({ last: { type: 'f64', width } })

    function met(index: number, value: number, isStrict: boolean, ifUnknown: boolean): boolean {
      if (value !== value) return ifUnknown
      return (signs[index] as number) * value > ((isStrict ? starts : recovers)[index] as number)
    }

    /** Whether the whole holds; `isStrict`: by the bounds of starting, and by those of recovery where forbidden. */
    function holds(values: Float64Array, isStrict: boolean): boolean {
      let anyWanted = false
      let anyMet = false
      for (let index = 0; index < width; index++) {
        const join = joins[index]
        const value = values[index] as number
        if (join === 'all') {
          if (!met(index, value, isStrict, !isStrict)) return false
        } else if (join === 'any') {
          anyWanted = true
          anyMet ||= met(index, value, isStrict, !isStrict)
        } else if (met(index, value, !isStrict, join === 'not' && isStrict)) return false
      }
      return !anyWanted || anyMet
    }

    return {
      slab,
      step(slot, _timeMs, _value, operands) {
        const { last } = slab.columns
        for (let index = 0; index < width; index++) last[slot * width + index] = operands[index] as number
        return holds(operands, true) ? BREACH : holds(operands, false) ? STAY : CLEAR
      },
      learning(slot) {
        const at = slot * width
        const isUnknown = (index: number): boolean => Number.isNaN(slab.columns.last[at + index])
        const lacking = joined.flatMap(({ join, condition }, index) =>
          (join === 'all' || join === 'not') && isUnknown(index) ? [nameOf(condition)] : [],
        )
        const anyOf = joined.flatMap(({ join }, index) => (join === 'any' ? [index] : []))
        if (anyOf.length > 0 && anyOf.every(isUnknown))
          lacking.push(`any of ${parameters.any.map(nameOf).join(', ')}`)
        return lacking.length === 0 ? null : lacking.join(', ')
      },
      explain(slot, { value, unit }) {
        const last = slab.columns.last.subarray(slot * width, (slot + 1) * width)
        const parts = joined.map((one, index) => partText(one, last[index] as number, unit))
        const related = joined.flatMap(({ condition }, index) => {
          const known = last[index] as number
          if (condition.signal === undefined || Number.isNaN(known)) return []
          return [{ series: condition.signal.metric, value: known, expected: null }]
        })
        const main = joined.find(({ condition }) => operandOf(condition).kind === 'main')?.condition
        return {
          value,
          unit,
          threshold: main?.above ?? main?.below ?? null,
          forecast: null,
          says: `is ${numberText(value, unit)}; ${parts.join('; ')}`,
          ...(related.length === 0 ? {} : { related }),
        }
      },
    }
  },
})

function nameOf({ rule, signal }: Condition): string {
  return rule === undefined ? (signal?.metric ?? 'its own series') : `rule ${rule}`
}

type Bound = { sign: number; start: number; recover: number }

function joinedOf(parameters: Parameters): Joined[] {
  return JOINS.flatMap((join) => parameters[join].map((condition) => ({ join, condition })))
}

function operandOf({ signal, rule, below }: Condition): Operand {
  if (rule !== undefined) return { kind: 'rule', rule }
  if (signal === undefined) return { kind: 'main' }
  const { metric, where } = signal
  return {
    kind: 'series',
    signal: { metric, ...(where === undefined ? {} : { where }) },
    take: below === undefined ? 'max' : 'min',
  }
}

/** A rule that fires is 1, so it stands past one half. */
function boundOf({ rule, above, below, clear }: Condition): Bound {
  if (rule !== undefined) return { sign: 1, start: 0.5, recover: 0.5 }
  const sign = above === undefined ? -1 : 1
  const bound = above ?? below ?? Infinity
  return { sign, start: sign * bound, recover: sign * (clear ?? bound) }
}

const WORDS: Record<Join, string> = { all: 'needs', any: 'one of', not: 'not', unless: 'unless' }

function partText({ join, condition }: Joined, value: number, mainUnit: string): string {
  const { rule, signal, above, below } = condition
  if (rule !== undefined) {
    const now = Number.isNaN(value) ? 'is not known here' : value > 0.5 ? 'fires' : 'does not fire'
    return `${WORDS[join]} rule ${rule}, which ${now}`
  }
  const unit = signal === undefined ? mainUnit : (metricInfo(signal.metric)?.unit ?? 'count')
  const bound = `${above === undefined ? 'below' : 'above'} ${numberText(above ?? below ?? null, unit)}`
  if (signal === undefined) return `${WORDS[join]} ${bound}`
  const now = Number.isNaN(value) ? 'not known' : numberText(value, unit)
  return `${WORDS[join]} ${signal.metric} ${bound}, which is ${now}`
}
