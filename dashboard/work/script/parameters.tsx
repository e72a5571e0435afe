import { Checkbox, NativeSelect, NumberInput, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import type { ParameterValues, ScriptContent, ScriptParameter } from '../../../contract/command.ts'
import { isEvaluated, resolveParameters } from '../../../contract/parameters.ts'
import { useWords } from '../../language/use-words.ts'
import { askWork } from '../ask.ts'

type Script = Pick<ScriptContent, 'name' | 'parameters' | 'interpreter'>
type Value = ParameterValues[string]

/** The values with which a form begins: the script's own defaults, and what was given. */
export function startingValues(script: Script, given: ParameterValues = {}): ParameterValues {
  const values: ParameterValues = {}
  for (const [name, schema] of Object.entries(script.parameters)) {
    const value = given[name] ?? ('default' in schema ? schema.default : undefined)
    if (value !== undefined) values[name] = value
    else if (schema.type === 'boolean') values[name] = false
    else if (schema.type === 'choice' && schema.choices[0] !== undefined) values[name] = schema.choices[0]
  }
  return values
}

/** The fields of a script's parameters, drawn from their types; faults stand beside their fields as they are typed. */
export function ParameterFields({
  script,
  client,
  values,
  change,
  touched,
}: {
  script: Script
  /** Whose secrets are offered beside those of every client; undefined: of any. */
  client: string | undefined
  values: ParameterValues
  change: (name: string, value: Value | undefined) => void
  /** Fields that may say what is wrong: those that were changed, or all after an attempt to go on. */
  touched: (name: string) => boolean
}): ReactElement | null {
  const { faults } = resolveParameters(script, values)
  const parameters = Object.entries(script.parameters)
  if (parameters.length === 0) return null
  return (
    <div className="fields">
      {parameters.map(([name, schema]) => (
        <Field
          key={name}
          name={name}
          schema={schema}
          script={script}
          client={client}
          value={values[name]}
          wrong={touched(name) && faults.some(({ field }) => field === name)}
          change={(value) => change(name, value)}
        />
      ))}
    </div>
  )
}

type FieldProps = {
  name: string
  schema: ScriptParameter
  script: Script
  client: string | undefined
  value: Value | undefined
  wrong: boolean
  change: (value: Value | undefined) => void
}

function Field(props: FieldProps): ReactElement {
  const { t } = useWords()
  const { name, schema, script, value, wrong, change } = props
  const common = {
    label: name.replaceAll('_', ' '),
    description: <span lang="en">{schema.help}</span>,
    error: wrong ? <Wrong schema={schema} script={script} value={value} /> : undefined,
  }
  switch (schema.type) {
    case 'string':
      return (
        <TextInput
          {...common}
          required={schema.default === undefined}
          maxLength={schema.maxLength}
          spellCheck={false}
          value={typeof value === 'string' ? value : ''}
          onChange={(event) => change(event.currentTarget.value)}
        />
      )
    case 'integer':
      return (
        <NumberInput
          {...common}
          required={schema.default === undefined}
          allowDecimal={false}
          min={schema.min}
          max={schema.max}
          clampBehavior="none"
          value={typeof value === 'number' ? value : ''}
          onChange={(next) => change(typeof next === 'number' ? next : undefined)}
        />
      )
    case 'boolean':
      return (
        <Checkbox
          {...common}
          checked={value === true}
          onChange={(event) => change(event.currentTarget.checked)}
        />
      )
    case 'choice':
      return (
        <NativeSelect
          {...common}
          value={typeof value === 'string' ? value : ''}
          onChange={(event) => change(event.currentTarget.value)}
          data={schema.choices.map((choice) => ({ value: choice, label: choice }))}
        />
      )
    case 'secret':
      return <SecretField {...props} label={common.label} empty={t('work.chooseSecret')} />
    default:
      return schema satisfies never
  }
}

function SecretField({
  schema,
  client,
  value,
  wrong,
  change,
  label,
  empty,
}: FieldProps & { label: string; empty: string }): ReactElement {
  const { t } = useWords()
  const secrets = useQuery(askWork.secrets())
  const offered = (secrets.data ?? []).filter(
    (secret) => secret.client === null || client === undefined || secret.client === client,
  )
  const names = [...new Set(offered.map((secret) => secret.name))]
  return (
    <NativeSelect
      label={label}
      description={<span lang="en">{schema.help}</span>}
      error={wrong ? t('work.faults.missing') : undefined}
      value={typeof value === 'string' ? value : ''}
      onChange={(event) => change(event.currentTarget.value === '' ? undefined : event.currentTarget.value)}
      data={[{ value: '', label: empty }, ...names]}
    />
  )
}

/** What is wrong with a value, in the reader's language; the server says it again in its own words. */
function Wrong({ schema, script, value }: Pick<FieldProps, 'schema' | 'script' | 'value'>): ReactElement {
  const { t } = useWords()
  if (value === undefined || value === '') return <>{t('work.faults.missing')}</>
  if (schema.type === 'integer')
    return typeof value === 'number' && Number.isSafeInteger(value) ? (
      <>{t('work.faults.range', { min: schema.min, max: schema.max })}</>
    ) : (
      <>{t('work.faults.number')}</>
    )
  if (schema.type === 'string' && isEvaluated(String(value), script)) return <>{t('work.faults.evaluated')}</>
  if (schema.type === 'string')
    return String(value).length > schema.maxLength ? (
      <>{t('work.faults.long', { count: schema.maxLength })}</>
    ) : (
      <>{t('work.faults.pattern', { pattern: schema.pattern })}</>
    )
  return <>{t('work.faults.other')}</>
}
