import '../incident/incident.css'
import { NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import type { RuleView } from '../../contract/rule-views.ts'
import { metricName } from '../language/names/metrics.ts'
import { useWords } from '../language/use-words.ts'
import { Answered } from '../shell/answered.tsx'
import { Ago, Empty, Fact, Failure, SeverityTag, Tag } from '../shell/parts.tsx'
import { askRules } from './ask.ts'
import { CoverageBar, CoverageTag, Place, ServerText, valueOf } from './coverage.tsx'
import { byState, selectedBy, STATES } from './filter.ts'
import { Overrides } from './overrides.tsx'

const ROWS = 200

/** One rule: what it watches with which figures, and on which devices it is evaluated right now, or why not. */
export function RulePage(): ReactElement {
  const { t } = useWords()
  const { rule: name } = useParams({ from: '/shell/rules/$rule' })
  const answer = useQuery(askRules.rules())
  return (
    <div className="page">
      <Link to="/rules" className="back">
        ← {t('rule.back')}
      </Link>
      <Answered answer={answer}>
        {({ rules }) => <Rule name={name} rule={rules.find((one) => one.name === name)} />}
      </Answered>
    </div>
  )
}

function Rule({ name, rule }: { name: string; rule: RuleView | undefined }): ReactElement {
  const { t, language } = useWords()
  if (!rule)
    return (
      <>
        <h1 className="mono">{name}</h1>
        <div className="card">
          <Empty icon="rules" title={t('rule.gone')} help={t('rule.goneHelp')} />
        </div>
      </>
    )
  const selected = selectedBy(rule)
  return (
    <>
      <header className="verdict">
        <div className="inline">
          <SeverityTag severity={rule.severity} />
          {!rule.enabled && <Tag tone="idle">{t('coverage.state.disabled')}</Tag>}
          <span className="mono">{rule.name}</span>
          <span className="dim mono small">{rule.version}</span>
        </div>
        <h1>{rule.title[language]}</h1>
        <p className="incident-lead">
          {t('rule.sentence', { metric: metricName(rule.metric, language), detector: rule.detector })}{' '}
          {selected === 0
            ? t('rule.sentenceNowhere')
            : t('rule.sentenceWhere', { evaluated: rule.devices.evaluated, count: selected })}
        </p>
        {rule.cannotFire !== null && (
          <p className="failure" data-tone="warning">
            <strong>{t('rule.silent')}</strong> <ServerText text={rule.cannotFire} />
          </p>
        )}
      </header>
      <div className="two">
        <div className="stack">
          <Devices rule={rule} />
          {rule.overrides.length > 0 && <Overrides overrides={rule.overrides} />}
        </div>
        <div className="stack">
          <Figures rule={rule} />
          <Circumstances rule={rule} />
        </div>
      </div>
    </>
  )
}

function Devices({ rule }: { rule: RuleView }): ReactElement {
  const { t } = useWords()
  const navigate = useNavigate({ from: '/rules/$rule' })
  const { state } = useSearch({ from: '/shell/rules/$rule' })
  const answer = useQuery(askRules.coverage({ rule: rule.name, limit: ROWS, ...(state ? { state } : {}) }))
  const rows = byState(answer.data?.rows ?? [], (row) => row.state)
  const counts = answer.data?.counts ?? rule.devices
  return (
    <section className="card" aria-labelledby="rule-devices">
      <div className="card-head">
        <h2 id="rule-devices">{t('rule.devices')}</h2>
        <NativeSelect
          size="xs"
          aria-label={t('rule.byState')}
          value={state ?? ''}
          onChange={(event) => {
            const chosen = STATES.find((one) => one === event.currentTarget.value)
            void navigate({ search: chosen ? { state: chosen } : {}, replace: true })
          }}
          data={[
            { value: '', label: t('rule.anyState') },
            ...STATES.filter((one) => counts[one] > 0 || one === state).map((value) => ({
              value,
              label: `${t(`coverage.state.${value}`)} (${counts[value]})`,
            })),
          ]}
        />
      </div>
      <div className="card-body stack">
        <CoverageBar counts={counts} />
        {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
        {answer.data && rows.length === 0 && <p className="dim">{t('rule.noDevices')}</p>}
        <ul className="coverage-rows">
          {rows.map((row) => (
            <li key={row.device}>
              <div className="inline">
                <CoverageTag state={row.state} />
                <Link to="/devices/$device" params={{ device: row.device }} hash="device-rules">
                  {row.hostname === '' ? row.device : row.hostname}
                </Link>
                <span className="dim small">{row.client}</span>
                {row.newestMs !== null && (
                  <span className="dim small">
                    <Ago ms={row.newestMs} />
                  </span>
                )}
              </div>
              <p className="small">
                <ServerText text={row.why} />
                {row.next !== '' && (
                  <>
                    {' '}
                    <span className="dim">
                      {t('shell.next')} <ServerText text={row.next} />
                    </span>
                  </>
                )}
              </p>
            </li>
          ))}
        </ul>
        {answer.data && answer.data.total > rows.length && (
          <p className="dim small">{t('common.more', { count: answer.data.total - rows.length })}</p>
        )}
      </div>
    </section>
  )
}

/** Fields of a rule that the page shows elsewhere. */
const ELSEWHERE = new Set([
  ...['name', 'title', 'owner', 'severity', 'impact', 'tier', 'runbook', 'article', 'remedy', 'noRemedy'],
  'enabled',
])

function Figures({ rule }: { rule: RuleView }): ReactElement {
  const { t } = useWords()
  const spec = isRecord(rule.spec) ? rule.spec : {}
  const figures = Object.entries(spec).flatMap(([field, value]): [string, unknown][] => {
    if (ELSEWHERE.has(field) || value === undefined) return []
    return isRecord(value)
      ? Object.entries(value).map(([key, each]): [string, unknown] => [`${field}.${key}`, each])
      : [[field, value]]
  })
  return (
    <section className="card" aria-labelledby="rule-figures">
      <h2 id="rule-figures">{t('rule.figures')}</h2>
      <dl className="card-body figures">
        {figures.map(([field, value]) => (
          <div key={field}>
            <dt className="mono">{field}</dt>
            <dd className="mono">{valueOf(value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Circumstances({ rule }: { rule: RuleView }): ReactElement {
  const { t } = useWords()
  const noRemedy = isRecord(rule.spec) ? rule.spec['noRemedy'] : undefined
  return (
    <section className="card card-body stack" aria-label={t('incident.runbook')}>
      <div className="runbook">
        <h2>{t('incident.runbook')}</h2>
        <p lang="en">{rule.runbook}</p>
      </div>
      <dl className="facts">
        <Fact
          name={t('incident.remedy')}
          note={typeof noRemedy === 'string' ? <span lang="en">{noRemedy}</span> : undefined}
        >
          {rule.remedy ?? <span className="dim">{t('rule.noRemedy')}</span>}
        </Fact>
        <Fact name={t('incident.impact')}>{t(`incident.impacts.${rule.impact}`)}</Fact>
        <Fact name={t('incident.tier')}>{rule.tier}</Fact>
        <Fact name={t('rule.owner')}>{rule.owner}</Fact>
        <Fact name={t('rule.pack')} note={t(`pack.origin.${rule.origin}`)}>
          <Link to="/packs/$pack" params={{ pack: rule.pack }}>
            <Place file={rule.file} line={null} />
          </Link>
        </Fact>
        {rule.article !== null && <Fact name={t('rule.article')}>{rule.article}</Fact>}
      </dl>
    </section>
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
