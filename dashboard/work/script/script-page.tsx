import '../work.css'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import type { ScriptContent, ScriptParameter } from '../../../contract/command.ts'
import type { Answer } from '../../api.ts'
import { formatExact, formatSpan } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import { Answered } from '../../shell/answered.tsx'
import { CopyText } from '../../shell/copy.tsx'
import { Ago, Fact, PageHead } from '../../shell/parts.tsx'
import { Approval } from './approval.tsx'
import { askWork } from '../ask.ts'
import { addressOf, mayRun } from './standing.ts'

/** One script: what it does and changes, what it takes and tells, its versions and its text. */
export function ScriptPage(): ReactElement {
  const { t } = useWords()
  const { name } = useParams({ from: '/shell/scripts/$name' })
  const answer = useQuery(askWork.script(name))
  return (
    <div className="page">
      <Link to="/scripts" className="back">
        ← {t('work.backToScripts')}
      </Link>
      <Answered answer={answer} rows={8}>
        {(answer) => <Script answer={answer} />}
      </Answered>
    </div>
  )
}

function Script({ answer: { script, versions } }: { answer: Answer<'script'> }): ReactElement {
  const { t } = useWords()
  const { content } = script
  return (
    <>
      <PageHead
        title={<span lang="en">{content.title}</span>}
        lead={
          <span className="inline">
            <span className="mono">{content.name}</span>
            <span>{t('work.version', { version: content.version })}</span>
            <Approval script={script} line />
          </span>
        }
      >
        {mayRun(script) && (
          <Link to="/run" search={{ script: addressOf(script) }} className="button primary">
            {t('work.run')}
          </Link>
        )}
      </PageHead>
      <div className="two">
        <div className="stack">
          <section className="card" aria-labelledby="changes">
            <h2 id="changes">{t('work.changes')}</h2>
            <div className="card-body stack" lang="en">
              <p className="incident-lead">{content.changes}</p>
              <p>{content.description}</p>
            </div>
          </section>
          <Parameters content={content} />
          <section className="card">
            <h2>{t('work.body')}</h2>
            <div className="card-body">
              <pre className="output script-body" tabIndex={0} role="region" aria-label={t('work.body')}>
                {content.body}
              </pre>
            </div>
          </section>
        </div>
        <div className="stack">
          <About content={content} digest={script.digest} />
          <Told content={content} />
          <section className="card" aria-labelledby="versions">
            <h2 id="versions">{t('work.versions')}</h2>
            <ul className="card-body plain stack">
              {versions.map((version) => (
                <li key={version.digest}>
                  <Link to="/scripts/$name" params={{ name: version.digest }}>
                    {t('work.version', { version: version.version })}
                  </Link>{' '}
                  <span className="mono dim small">{version.digest.slice(0, 12)}</span>
                  <span className="dim small under">
                    {t('work.approvedBy', { names: version.approvedBy.join(', ') })} ·{' '}
                    <Ago ms={version.approvedAtMs} />
                  </span>
                </li>
              ))}
            </ul>
          </section>
          {script.lacking > 0 && script.revoked !== true && (
            <section className="card card-body stack" aria-label={t('work.waiting')}>
              <p>{t('work.approveIt', { count: script.lacking })}</p>
              <CopyText text={`vigia approve ${script.digest}`} />
            </section>
          )}
        </div>
      </div>
    </>
  )
}

function About({ content, digest }: { content: ScriptContent; digest: string }): ReactElement {
  const { t, language } = useWords()
  const yes = (value: boolean): string => (value ? t('common.yes') : t('common.no'))
  return (
    <section className="card" aria-labelledby="about">
      <h2 id="about">{t('work.facts')}</h2>
      <dl className="facts card-body">
        <Fact name={t('work.column.systems')}>
          {content.systems.map((system) => t(`work.systems.${system}`)).join(', ')}
        </Fact>
        <Fact name={t('work.interpreter')}>{content.interpreter}</Fact>
        <Fact name={t('work.privilege')}>{t(`work.privileges.${content.privilege}`)}</Fact>
        <Fact name={t('work.timeout')}>{formatSpan(content.timeoutS * 1000, language)}</Fact>
        <Fact name={t('work.again')}>{yes(content.idempotent)}</Fact>
        <Fact name={t('work.dryRun')}>{yes(content.dryRun)}</Fact>
        <Fact name={t('work.limits')}>
          {t('work.limitsText', { memory: content.limits.memoryMb, processes: content.limits.processes })}
        </Fact>
        <Fact name={t('work.devices')}>
          {content.devices === null ? t('work.anyDevice') : content.devices.join(', ')}
        </Fact>
        {content.approvedUntilMs !== undefined && (
          <Fact name={t('work.approvedUntil')}>{formatExact(content.approvedUntilMs, language)}</Fact>
        )}
        <Fact name={t('work.digest')}>
          <span className="mono small breakable">{digest}</span>
        </Fact>
      </dl>
    </section>
  )
}

function Parameters({ content }: { content: ScriptContent }): ReactElement {
  const { t } = useWords()
  const parameters = Object.entries(content.parameters)
  return (
    <section className="card" aria-labelledby="parameters">
      <h2 id="parameters">{t('work.parameters')}</h2>
      <div className="card-body">
        {parameters.length === 0 && <p className="dim">{t('work.noParameters')}</p>}
        <dl className="described">
          {parameters.map(([name, schema]) => (
            <div key={name}>
              <dt className="mono">{name}</dt>
              <dd>
                <span lang="en">{schema.help}</span>
                <span className="dim small under">
                  <TypeOf schema={schema} />
                </span>
              </dd>
            </div>
          ))}
        </dl>
      </div>
    </section>
  )
}

/** The type of a parameter in words, with its bounds and its default. */
function TypeOf({ schema }: { schema: ScriptParameter }): ReactElement {
  const { t } = useWords()
  const parts = [t(`work.parameterType.${schema.type}`)]
  if (schema.type === 'integer') parts.push(t('work.range', { min: schema.min, max: schema.max }))
  if (schema.type === 'choice') parts.push(schema.choices.join(', '))
  const value = 'default' in schema ? schema.default : undefined
  parts.push(value === undefined ? t('work.required') : t('work.default', { value: JSON.stringify(value) }))
  return <>{parts.join(' · ')}</>
}

function Told({ content }: { content: ScriptContent }): ReactElement {
  const { t } = useWords()
  const outputs = Object.entries(content.outputs)
  const codes = Object.entries(content.exitCodes)
  return (
    <section className="card" aria-labelledby="told">
      <h2 id="told">{t('work.outputs')}</h2>
      <div className="card-body stack">
        {outputs.length === 0 && <p className="dim">{t('work.noOutputs')}</p>}
        <dl className="described">
          {outputs.map(([name, output]) => (
            <div key={name}>
              <dt className="mono">{name}</dt>
              <dd lang="en">
                {output.help}
                {output.unit !== '' && <span className="dim small"> ({output.unit})</span>}
              </dd>
            </div>
          ))}
        </dl>
        <h3>{t('work.exitCodes')}</h3>
        <dl className="described">
          {(codes.length === 0 ? content.successCodes.map((code) => [String(code), ''] as const) : codes).map(
            ([code, meaning]) => (
              <div key={code}>
                <dt className="mono">{code}</dt>
                <dd lang="en">
                  {meaning === '' ? t('work.success') : meaning}
                  {meaning !== '' && content.successCodes.includes(Number(code)) && (
                    <span className="dim small"> ({t('work.success')})</span>
                  )}
                </dd>
              </div>
            ),
          )}
        </dl>
      </div>
    </section>
  )
}
