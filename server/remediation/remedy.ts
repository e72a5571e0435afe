import * as z from 'zod'
import { VigiaError } from '../../contract/errors.ts'
import { ParameterValue, type ParameterValues } from '../../contract/command.ts'
import { fillPlaceholders } from '../../contract/placeholders.ts'
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

/** The parameters of a remedy with their placeholders filled; COMMAND_MALFORMED names the labels that are missing. */
export function fillParameters(
  parameters: ParameterValues,
  labels: Readonly<Record<string, string>>,
): ParameterValues {
  const { values, missing } = fillPlaceholders(parameters, labels)
  if (missing.length === 0) return values
  const faults = missing.map(({ parameter, label }) => ({
    field: parameter,
    message: `the series has no label "${label}"`,
  }))
  const words = faults.map(({ field, message }) => `${field}: ${message}`).join('; ')
  throw new VigiaError('COMMAND_MALFORMED', words, { faults })
}
