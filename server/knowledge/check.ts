import type { ParameterValues, ScriptContent } from '../../contract/command.ts'
import type { Fault } from '../../contract/errors.ts'
import { resolveParameters } from '../../contract/parameters.ts'
import { templateParts } from '../../rules/language/template.ts'
import type { ArticleText } from './article-file.ts'

/** A text that both languages need, and its limit. */
const LONGEST_TITLE = 120
const LONGEST_BODY = 20_000

/**
 * Every fault of an article. `script` is the script that its remedy names, if there is one of that name; `hasRule` says
 * whether there is a rule of a name. A parameter whose value comes from labels is checked when it is filled in, by the
 * script's own rules.
 */
export function articleFaults(
  article: ArticleText,
  { script, hasRule }: { script: ScriptContent | undefined; hasRule: (name: string) => boolean },
): Fault[] {
  const faults: Fault[] = []
  for (const language of ['en', 'es'] as const) {
    const title = article.title[language].trim()
    if (title === '' || title.length > LONGEST_TITLE)
      faults.push({ field: `title.${language}`, message: `wants 1 to ${String(LONGEST_TITLE)} characters` })
    const body = article.body[language].trim()
    if (body === '' || body.length > LONGEST_BODY)
      faults.push({ field: `body.${language}`, message: `wants 1 to ${String(LONGEST_BODY)} characters` })
  }
  for (const [place, rule] of article.rules.entries())
    if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(rule) || rule.length > 80)
      faults.push({ field: `rules.${String(place)}`, message: 'is no name of a rule' })
    else if (!hasRule(rule))
      faults.push({ field: `rules.${String(place)}`, message: `no rule is called ${rule}` })
  if (article.remedy === null) return faults
  if (script === undefined)
    return [...faults, { field: 'remedy.script', message: `no script is called ${article.remedy.script}` }]
  return [...faults, ...parameterFaults(article.remedy.parameters, script)]
}

function parameterFaults(given: ParameterValues, script: ScriptContent): Fault[] {
  const faults: Fault[] = []
  const fromLabels = new Set<string>()
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'string') continue
    const parts = templateParts(value)
    if (parts.labels.length > 0) fromLabels.add(name)
    for (const fault of parts.faults)
      faults.push({ field: name, message: `${fault} is no label: write {{labels.NAME}}` })
  }
  const fixed = Object.fromEntries(Object.entries(given).filter(([name]) => !fromLabels.has(name)))
  const { faults: wrong } = resolveParameters(script, fixed)
  const unknown = [...fromLabels]
    .filter((name) => !Object.hasOwn(script.parameters, name))
    .map((field) => ({ field, message: `is no parameter of ${script.name}` }))
  const others = wrong.filter(({ field }) => field === undefined || !fromLabels.has(field))
  return [...faults, ...unknown, ...others].map((fault) => ({
    ...fault,
    field: `remedy.parameters.${fault.field ?? ''}`,
  }))
}
