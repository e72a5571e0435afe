import * as z from 'zod'
import { VigiaError } from '../../contract/errors.ts'
import { ParameterValue, type ParameterValues } from '../../contract/command.ts'
import { DurationText } from '../../contract/duration.ts'
import { durationMs } from '../../rules/duration.ts'

const StoredRemedy = z.union([
  z.object({
    name: z.string(),
    parameters: z.record(z.string(), ParameterValue),
    attemptsPerHour: z.number().int(),
    verifyWithin: DurationText,
  }),
  z.object({ noRemedy: z.string() }),
  z.null(),
])

/** The remedy of an incident, as its row keeps it. */
export type IncidentRemedy = {
  name: string
  parameters: ParameterValues
  attemptsPerHour: number
  verifyWithinMs: number
}

/** Reads the column `remedy` of an incident: the remedy, or why there is none. */
export function readRemedy(stored: unknown): { remedy: IncidentRemedy | null; noRemedy: string | null } {
  const parsed = StoredRemedy.parse(stored)
  if (parsed === null) return { remedy: null, noRemedy: null }
  if ('noRemedy' in parsed) return { remedy: null, noRemedy: parsed.noRemedy }
  const { verifyWithin, ...rest } = parsed
  return { remedy: { ...rest, verifyWithinMs: durationMs(verifyWithin) }, noRemedy: null }
}

/**
 * The parameters of a remedy with each `{{labels.NAME}}` replaced by that label, once: what a label holds is not
 * looked at again. COMMAND_MALFORMED names the labels that are missing.
 */
export function fillParameters(
  parameters: ParameterValues,
  labels: Readonly<Record<string, string>>,
): ParameterValues {
  const missing: { field: string; message: string }[] = []
  const filled = Object.entries(parameters).map(([name, value]): [string, ParameterValues[string]] => {
    if (typeof value !== 'string') return [name, value]
    const text = value.replace(/\{\{\s*labels\.([a-z][a-z0-9_]*)\s*\}\}/g, (_all, label: string) => {
      if (Object.hasOwn(labels, label)) return labels[label] ?? ''
      missing.push({ field: name, message: `the series has no label "${label}"` })
      return ''
    })
    return [name, text]
  })
  if (missing.length > 0)
    throw new VigiaError(
      'COMMAND_MALFORMED',
      missing.map((one) => `${one.field}: ${one.message}`).join('; '),
      {
        faults: missing,
      },
    )
  return Object.fromEntries(filled)
}
