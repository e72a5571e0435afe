import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState, type ReactElement } from 'react'
import type { PackVersion } from '../../contract/rule-views.ts'
import { formatExact } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { askRules } from '../rule/ask.ts'
import { Ago, Failure } from '../shell/parts.tsx'
import { diffLines, hunks } from './diff.ts'

/** Every text that the pack had: who saved it when and why, and what that changed. */
export function History({
  pack,
  canEdit,
  onPut,
}: {
  pack: string
  canEdit: boolean
  onPut: (text: string) => void
}): ReactElement | null {
  const { t, language } = useWords()
  const answer = useQuery({ ...askRules.history(pack), retry: false })
  const [open, setOpen] = useState<number>()
  const versions = answer.data ?? []
  if (versions.length === 0 && !answer.isError) return null
  return (
    <section className="card" aria-labelledby="history">
      <h2 id="history">{t('pack.history')}</h2>
      <div className="card-body stack">
        {answer.isError && <Failure error={answer.error} />}
        <ol className="versions">
          {versions.map((version, index) => (
            <li key={version.id}>
              <div className="inline">
                <strong>{t(`pack.action.${version.action}`)}</strong>
                <span className="dim small">
                  {version.who} · <Ago ms={version.atMs} />
                </span>
              </div>
              {version.note !== '' && <p className="small">{version.note}</p>}
              <span className="inline small">
                <button
                  type="button"
                  className="link-button"
                  aria-expanded={open === version.id}
                  onClick={() => setOpen(open === version.id ? undefined : version.id)}
                >
                  {t('pack.whatChanged')}
                </button>
                {canEdit && version.text !== null && (
                  <Button
                    size="compact-xs"
                    variant="default"
                    onClick={() => onPut(version.text ?? '')}
                    aria-label={`${t('pack.putBack')}: ${version.who} ${formatExact(version.atMs, language)}`}
                  >
                    {t('pack.putBack')}
                  </Button>
                )}
              </span>
              {open === version.id && <Diff version={version} before={versions[index + 1]} />}
            </li>
          ))}
        </ol>
      </div>
    </section>
  )
}

function Diff({ version, before }: { version: PackVersion; before: PackVersion | undefined }): ReactElement {
  const { t } = useWords()
  const lines = useMemo(() => hunks(diffLines(before?.text ?? '', version.text ?? '')), [before, version])
  if (lines.length === 0) return <p className="dim small">{t('pack.sameText')}</p>
  const words = { same: '', gone: t('pack.gone'), come: t('pack.come') }
  return (
    <pre className="diff" tabIndex={0} role="region" aria-label={t('pack.whatChanged')}>
      {lines.map((line, index) =>
        line === null ? (
          <span key={index} className="dim">
            ⋯
          </span>
        ) : (
          <span key={index} data-kind={line.kind}>
            <span aria-hidden="true">{line.kind === 'gone' ? '− ' : line.kind === 'come' ? '+ ' : '  '}</span>
            {line.kind !== 'same' && <span className="sr-only">{words[line.kind]}: </span>}
            {line.text}
          </span>
        ),
      )}
    </pre>
  )
}
