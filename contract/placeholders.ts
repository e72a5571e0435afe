import type { ParameterValues } from './command.ts'

const PLACEHOLDER = /\{\{\s*labels\.([a-z][a-z0-9_]*)\s*\}\}/g

/**
 * Parameters with each `{{labels.NAME}}` replaced by that label, once: what a label holds is not looked at again.
 * `missing` names the parameter and the label that is not there; its value is then left out.
 */
export function fillPlaceholders(
  parameters: ParameterValues,
  labels: Readonly<Record<string, string>>,
): { values: ParameterValues; missing: { parameter: string; label: string }[] } {
  const values: ParameterValues = {}
  const missing: { parameter: string; label: string }[] = []
  for (const [parameter, value] of Object.entries(parameters)) {
    if (typeof value !== 'string') {
      values[parameter] = value
      continue
    }
    const lacking = [...value.matchAll(PLACEHOLDER)].filter(([, label = '']) => !Object.hasOwn(labels, label))
    if (lacking.length > 0) missing.push(...lacking.map(([, label = '']) => ({ parameter, label })))
    else values[parameter] = value.replace(PLACEHOLDER, (_all, label: string) => labels[label] ?? '')
  }
  return { values, missing }
}
