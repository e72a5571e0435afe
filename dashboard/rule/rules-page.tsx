import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, type ReactElement } from 'react'
import type { PackFaults, RuleView } from '../../contract/rule-views.ts'
import { useWords } from '../language/use-words.ts'
import { Ago, Empty, Failure, PageHead, SeverityTag, Tag, Waiting } from '../shell/parts.tsx'
import { askRules } from './ask.ts'
import { CoverageBar, Place, ServerText } from './coverage.tsx'
import { RULE_FILTERS, rulePasses } from './filter.ts'

/** The rules in force, those that cannot fire first: a rule that is silent for the wrong reason is the worst kind. */
export function RulesPage(): ReactElement {
  const { t } = useWords()
  const navigate = useNavigate({ from: '/rules' })
  const search = useSearch({ from: '/shell/rules' })
  const answer = useQuery(askRules.rules())
  const rules = answer.data?.rules
  const shown = useMemo(() => rules?.filter((rule) => rulePasses(rule, search)) ?? [], [rules, search])
  const silent = shown.filter((rule) => rule.cannotFire !== null)
  const choose = (change: { find?: string; show?: string }): void => {
    const { find = search.find ?? '', show = search.show ?? '' } = change
    const filter = RULE_FILTERS.find((one) => one === show)
    void navigate({
      search: { ...(find === '' ? {} : { find }), ...(filter ? { show: filter } : {}) },
      replace: true,
    })
  }
  return (
    <div className="page">
      <PageHead
        title={t('rule.title')}
        lead={
          rules ? t('rule.lead', { count: rules.length, enabled: enabled(rules) }) : t('rule.leadWaiting')
        }
      >
        <TextInput
          type="search"
          size="xs"
          label={t('rule.find')}
          placeholder={t('rule.findHint')}
          value={search.find ?? ''}
          onChange={(event) => choose({ find: event.currentTarget.value })}
        />
        <NativeSelect
          label={t('rule.show')}
          size="xs"
          value={search.show ?? ''}
          onChange={(event) => choose({ show: event.currentTarget.value })}
          data={[
            { value: '', label: t('rule.filter.all') },
            ...RULE_FILTERS.map((value) => ({ value, label: t(`rule.filter.${value}`) })),
          ]}
        />
        <Link to="/packs" className="button">
          {t('rule.packs')}
        </Link>
      </PageHead>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting rows={8} />}
      {answer.data?.faults && <NotApplied faults={answer.data.faults} />}
      {silent.length > 0 && <CannotFire rules={silent} />}
      {rules && shown.length === 0 && (
        <div className="card">
          <Empty icon="rules" title={t('rule.noMatch')} help={t('rule.noMatchHelp')}>
            <Button variant="default" size="compact-sm" onClick={() => choose({ find: '', show: '' })}>
              {t('incident.showAll')}
            </Button>
          </Empty>
        </div>
      )}
      {shown.length > 0 && <RuleTable rules={shown} />}
    </div>
  )
}

function enabled(rules: readonly RuleView[]): number {
  return rules.filter((rule) => rule.enabled).length
}

/** Packs that were changed on disk and are not in force. */
export function NotApplied({ faults }: { faults: PackFaults }): ReactElement {
  const { t } = useWords()
  return (
    <section className="failure" data-tone="critical" aria-labelledby="not-applied">
      <strong id="not-applied">{t('rule.notApplied')}</strong>
      <ul>
        {faults.faults.map((fault, index) => (
          <li key={index}>
            {fault.file !== undefined && <Place file={fault.file} line={fault.line ?? null} />}{' '}
            {fault.field !== undefined && <span className="mono">{fault.field}: </span>}
            <span lang="en">{fault.message}</span>
          </li>
        ))}
      </ul>
      <span className="small">
        <Ago ms={faults.atMs} />
      </span>
    </section>
  )
}

/** The rest is a click away: most of it is hardware that the machines do not have. */
const SHOWN_AT_ONCE = 6

function CannotFire({ rules }: { rules: readonly RuleView[] }): ReactElement {
  const { t } = useWords()
  return (
    <section className="card attention" data-tone="warning" aria-labelledby="cannot-fire">
      <div className="card-head">
        <h2 id="cannot-fire">{t('rule.cannotFire', { count: rules.length })}</h2>
      </div>
      <div className="card-body stack">
        <p className="dim">{t('rule.cannotFireLead')}</p>
        <SilentRules rules={rules.slice(0, SHOWN_AT_ONCE)} />
        {rules.length > SHOWN_AT_ONCE && (
          <details>
            <summary>{t('rule.cannotFireMore', { count: rules.length - SHOWN_AT_ONCE })}</summary>
            <SilentRules rules={rules.slice(SHOWN_AT_ONCE)} />
          </details>
        )}
      </div>
    </section>
  )
}

function SilentRules({ rules }: { rules: readonly RuleView[] }): ReactElement {
  const { language } = useWords()
  return (
    <ul className="silent-rules">
      {rules.map((rule) => (
        <li key={rule.name}>
          <Link to="/rules/$rule" params={{ rule: rule.name }}>
            {rule.title[language]}
          </Link>
          <span className="small">
            <ServerText text={rule.cannotFire ?? ''} />
          </span>
        </li>
      ))}
    </ul>
  )
}

function RuleTable({ rules }: { rules: readonly RuleView[] }): ReactElement {
  const { t, language } = useWords()
  const columns = ['what', 'severity', 'detector', 'pack', 'devices'] as const
  return (
    <div className="card table-wrap" tabIndex={0} role="region" aria-label={t('rule.title')}>
      <table className="table rules">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col" data-column={column}>
                {t(`rule.column.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rules.map((rule) => (
            <tr key={rule.name}>
              <th scope="row" data-column="what">
                <Link to="/rules/$rule" params={{ rule: rule.name }} className="row-link">
                  {rule.title[language]}
                </Link>
                <span className="dim small mono under">{rule.name}</span>
                {rule.cannotFire !== null && <Tag tone="warning">{t('rule.silent')}</Tag>}
                {!rule.enabled && <Tag tone="idle">{t('coverage.state.disabled')}</Tag>}
                {rule.overrides.length > 0 && (
                  <span className="dim small">
                    {t('rule.overrideCount', { count: rule.overrides.length })}
                  </span>
                )}
                <span className="only-narrow under-narrow">
                  <CoverageBar counts={rule.devices} />
                </span>
              </th>
              <td data-column="severity">
                <SeverityTag severity={rule.severity} />
              </td>
              <td data-column="detector">{rule.detector}</td>
              <td data-column="pack">{rule.pack}</td>
              <td data-column="devices">
                <CoverageBar counts={rule.devices} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
