import * as z from 'zod'
import { DETECTOR_PARAMETERS } from '../../contract/detectors/all.ts'
import { METRICS } from '../../contract/metrics.ts'
import { SHIPPED_REMEDIES } from '../../rules/language/remedies.ts'

/** A parameter as JSON Schema has it, as far as it is told here. */
type Property = {
  type?: string
  pattern?: string
  enum?: unknown[]
  default?: unknown
  properties?: object
}

/** The text of docs/reference/rules.md, made from the contract: what the rules of a pack may name. */
export function ruleReference(): string {
  return [
    '# What a rule may name',
    '',
    'Made from `contract/` and `rules/language/remedies.ts` by `npm run reference`. How to write, test and apply a rule is',
    'in the [user guide](../user-guide.md#rules).',
    '',
    '## Metrics',
    '',
    'For `signal: { metric: NAME, where: { LABEL: text } }`. Yes and no are 1 and 0. `vigia device HOST` shows which a device',
    'reports, with their labels. `device.report` stands for every report of a device; only `absence` may watch it.',
    '',
    '| Metric | Unit | Labels | What it is |',
    '|---|---|---|---|',
    ...Object.entries(METRICS).map(
      ([name, { unit, labels, help }]) =>
        `| \`${name}\` | ${unit} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${cell(help)} |`,
    ),
    '',
    '## Detectors',
    '',
    'Times are a number and `ms`, `s`, `m`, `h` or `d`. What has no default and is not marked as optional must be given.',
    '',
    '| Detector | Parameters |',
    '|---|---|',
    ...Object.entries(DETECTOR_PARAMETERS).map(
      ([name, schema]) => `| \`${name}\` | ${cell(parametersOf(schema))} |`,
    ),
    '',
    '## Remedies',
    '',
    'For `remedy: { name: NAME, parameters: { … } }`. A text may hold `{{labels.NAME}}`. [Scripts](scripts.md) says what each',
    'does.',
    '',
    '| Remedy | Parameters |',
    '|---|---|',
    ...Object.entries(SHIPPED_REMEDIES).map(
      ([name, parameters]) => `| \`${name}\` | ${parameters.map((one) => `\`${one}\``).join(', ')} |`,
    ),
    '',
  ].join('\n')
}

function parametersOf(schema: z.ZodType): string {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' }) as {
    properties?: Record<string, Property>
    required?: string[]
  }
  return Object.entries(properties)
    .map(([name, property]) => {
      const usual =
        property.default === undefined
          ? required.includes(name)
            ? ''
            : ', optional'
          : ` = ${JSON.stringify(property.default)}`
      return `\`${name}\` (${kindOf(property)}${usual})`
    })
    .join(', ')
}

function kindOf({ type, pattern, enum: choices, properties }: Property): string {
  if (choices !== undefined) return choices.join(' or ')
  if (properties !== undefined) return `{ ${Object.keys(properties).join(', ')} }`
  if (type === 'string') return pattern === undefined ? 'text' : 'time'
  return type === 'array' ? 'list' : (type ?? 'any')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
