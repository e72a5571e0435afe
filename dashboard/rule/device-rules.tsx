import { NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import type { CoverageState } from '../../contract/coverage.ts'
import type { CoverageCounts, RuleExplanation } from '../../contract/rule-views.ts'
import { useWords } from '../language/use-words.ts'
import { Failure, Waiting } from '../shell/parts.tsx'
import { askRules } from './ask.ts'
import { CoverageBar, CoverageTag, Place, ServerText, valueOf } from './coverage.tsx'
import { byState, STATES } from './filter.ts'
import { OverrideList } from './overrides.tsx'

/** The rules of one device: which are evaluated, and why each applies with these figures. */
export function DeviceRules({ device }: { device: string }): ReactElement {
  const { t } = useWords()
  const [state, setState] = useState<CoverageState>()
  const [others, setOthers] = useState(false)
  const answer = useQuery(askRules.explain(device))
  const all = answer.data?.rules ?? []
  const chosen = all.filter((rule) => rule.selected.holds)
  const rest = all.length - chosen.length
  const counts = countsOf(chosen)
  const shown = byState(
    chosen.filter((rule) => state === undefined || stateOf(rule) === state),
    stateOf,
  )
  return (
    <section className="card" aria-labelledby="device-rules">
      <div className="card-head">
        <h2 id="device-rules">{t('rule.onDevice')}</h2>
        <NativeSelect
          size="xs"
          aria-label={t('rule.byState')}
          value={state ?? ''}
          onChange={(event) => setState(STATES.find((one) => one === event.currentTarget.value))}
          data={[
            { value: '', label: t('rule.anyState') },
            ...STATES.filter((one) => counts[one] > 0).map((value) => ({
              value,
              label: `${t(`coverage.state.${value}`)} (${counts[value]})`,
            })),
          ]}
        />
      </div>
      <div className="card-body stack">
        {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
        {answer.isPending && <Waiting rows={3} />}
        {answer.data && <CoverageBar counts={counts} />}
        <ul className="device-rules">
          {shown.map((rule) => (
            <Explained key={rule.rule} rule={rule} />
          ))}
        </ul>
        {rest > 0 && (
          <button
            type="button"
            className="link-button"
            onClick={() => setOthers(!others)}
            aria-expanded={others}
          >
            {t('rule.notMeant', { count: rest })}
          </button>
        )}
        {others && (
          <ul className="device-rules">
            {all
              .filter((rule) => !rule.selected.holds)
              .map((rule) => (
                <Explained key={rule.rule} rule={rule} />
              ))}
          </ul>
        )}
      </div>
    </section>
  )
}

function Explained({ rule }: { rule: RuleExplanation }): ReactElement {
  const { t, language } = useWords()
  const { selector, holds } = rule.selected
  return (
    <li>
      <details>
        <summary>
          {holds ? (
            <CoverageTag state={stateOf(rule)} />
          ) : (
            <span className="dim small">{t('rule.notHere')}</span>
          )}
          <strong>{rule.title[language]}</strong>
          {rule.coverage && (
            <span className="small dim why">
              <ServerText text={rule.coverage.why} />
            </span>
          )}
        </summary>
        <div className="stack explained">
          <p>
            {selector === null ? t('rule.selectedAll') : t(holds ? 'rule.selectedBy' : 'rule.notSelectedBy')}{' '}
            {selector !== null && <code>{selector}</code>}{' '}
            <Link to="/rules/$rule" params={{ rule: rule.rule }}>
              {t('rule.open')}
            </Link>
          </p>
          {rule.coverage && rule.coverage.next !== '' && (
            <p>
              {t('shell.next')} <ServerText text={rule.coverage.next} />
            </p>
          )}
          {rule.coverage && rule.coverage.series.length > 0 && (
            <p className="mono">{rule.coverage.series.join(' · ')}</p>
          )}
          {rule.overrides.length > 0 && (
            <div>
              <h3>{t('rule.overridesHere')}</h3>
              <OverrideList overrides={rule.overrides} />
            </div>
          )}
          {holds && <Values rule={rule} />}
        </div>
      </details>
    </li>
  )
}

function Values({ rule }: { rule: RuleExplanation }): ReactElement {
  const { t, language } = useWords()
  const label = `${t('rule.figures')}: ${rule.title[language]}`
  return (
    <div className="table-wrap" tabIndex={0} role="region" aria-label={label}>
      <table className="table small values" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">{t('rule.figure')}</th>
            <th scope="col">{t('rule.value')}</th>
            <th scope="col">{t('rule.stands')}</th>
          </tr>
        </thead>
        <tbody>
          {rule.values.map((value) => (
            <tr key={value.field} data-from={value.from}>
              <th scope="row" className="mono plain">
                {value.field}
              </th>
              <td className="mono">
                {valueOf(value.value)}
                {value.from === 'override' && (
                  <span className="dim under">{t('rule.before', { value: valueOf(value.before) })}</span>
                )}
              </td>
              <td>
                {t(`rule.from.${value.from}`)}
                {value.from !== 'default' && (
                  <>
                    {' '}
                    <Place file={value.file} line={value.line} />
                  </>
                )}
                {value.reason !== null && <span className="dim under">{value.reason}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function stateOf(rule: RuleExplanation): CoverageState {
  return rule.coverage?.state ?? (rule.enabled ? 'no-series' : 'disabled')
}

function countsOf(rules: readonly RuleExplanation[]): CoverageCounts {
  const counts = Object.fromEntries(STATES.map((state) => [state, 0])) as CoverageCounts
  for (const rule of rules) counts[stateOf(rule)]++
  return counts
}
