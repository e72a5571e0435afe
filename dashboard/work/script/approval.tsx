import type { ReactElement } from 'react'
import { useWords } from '../../language/use-words.ts'
import { Ago, Tag } from '../../shell/parts.tsx'
import type { Listed } from './standing.ts'

/** Whether a script may run, who says so, and since when. */
export function Approval({
  script,
  line = false,
}: {
  script: Omit<Listed, 'content'> & { content: Pick<Listed['content'], 'devices'> }
  /** All of it in one line. */
  line?: boolean
}): ReactElement {
  const { t } = useWords()
  const names = script.approvedBy.join(', ')
  return (
    <span className={line ? 'inline' : 'stack-tight'}>
      <span className="inline">
        {script.revoked === true ? (
          <Tag tone="critical">{t('work.revoked')}</Tag>
        ) : script.expired === true ? (
          <Tag tone="warning">{t('work.expired')}</Tag>
        ) : script.lacking > 0 ? (
          <Tag tone="warning">{t('work.waiting')}</Tag>
        ) : script.content.devices !== null ? (
          <Tag tone="info">{t('work.onlyNamed')}</Tag>
        ) : (
          <Tag tone="ok">{t('work.column.approved')}</Tag>
        )}
      </span>
      {names !== '' && (
        <span className="dim small">
          {t('work.approvedBy', { names })} · <Ago ms={script.approvedAtMs} />
        </span>
      )}
    </span>
  )
}
