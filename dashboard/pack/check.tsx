import type { ReactElement } from 'react'
import type { RuleChange } from '../../contract/rule-views.ts'
import type { Answer } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { Place } from '../rule/coverage.tsx'
import { Failure, Tag } from '../shell/parts.tsx'
import type { FaultView } from './text.ts'

/** Every fault of the text with its place, or what the text would change. */
export function CheckResult({
  answer,
  error,
  isWaiting,
  isHere,
  onGo,
}: {
  answer: Answer<'checkRules'> | undefined
  error: Error | null
  isWaiting: boolean
  isHere: (fault: FaultView) => boolean
  onGo: (line: number, column: number) => void
}): ReactElement {
  const { t } = useWords()
  const faults = answer?.faults ?? []
  return (
    <section className="card" aria-labelledby="check" aria-busy={isWaiting}>
      <div className="card-head">
        <h2 id="check">{t('pack.check')}</h2>
        <span role="status">
          {isWaiting ? (
            <span className="dim small">{t('pack.checking')}</span>
          ) : faults.length > 0 ? (
            <Tag tone="critical">{t('pack.faults', { count: faults.length })}</Tag>
          ) : (
            <Tag tone="ok">{t('pack.noFaults')}</Tag>
          )}
        </span>
      </div>
      <div className="card-body stack">
        {error && <Failure error={error} />}
        {faults.length > 0 && (
          <ul className="faults">
            {faults.map((fault, index) => (
              <li key={index}>
                {isHere(fault) && fault.line !== undefined ? (
                  <button
                    type="button"
                    className="link-button"
                    onClick={() => onGo(fault.line ?? 1, fault.column ?? 1)}
                  >
                    {t('pack.lineColumn', { line: fault.line, column: fault.column ?? 1 })}
                  </button>
                ) : (
                  <Place file={fault.file ?? ''} line={fault.line ?? null} />
                )}
                <span>
                  {fault.field !== undefined && <span className="mono">{fault.field}: </span>}
                  <span lang="en">{fault.message}</span>
                </span>
              </li>
            ))}
          </ul>
        )}
        {answer && faults.length === 0 && <Changes changes={answer.changes} />}
      </div>
    </section>
  )
}

/** Which rules a text adds, changes or takes away. */
export function Changes({ changes }: { changes: readonly RuleChange[] }): ReactElement {
  const { t } = useWords()
  if (changes.length === 0) return <p className="dim">{t('pack.noChange')}</p>
  return (
    <div>
      <p>{t('pack.wouldChange', { count: changes.length })}</p>
      <ul className="changes">
        {changes.map((change) => (
          <li key={change.rule}>
            <Tag tone={change.change === 'added' ? 'ok' : change.change === 'removed' ? 'critical' : 'info'}>
              {t(`pack.change.${change.change}`)}
            </Tag>
            <span className="mono">{change.rule}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}
