import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useBlocker } from '@tanstack/react-router'
import { useRef, useState, type ReactElement } from 'react'
import { createPortal } from 'react-dom'
import { formatExact } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'

/** The recovery codes, the one time that they are shown: to copy, to print, and to say that they are kept. */
export function RecoveryCodes({
  steps,
  codes,
  done,
}: {
  steps: number
  codes: readonly string[]
  done: () => void
}): ReactElement {
  const { t, language } = useWords()
  const me = useQuery(ask.me())
  const list = useRef<HTMLUListElement>(null)
  const [told, setTold] = useState<'copied' | 'selected'>()
  const [madeMs] = useState(() => Date.now())
  useBlocker({ shouldBlockFn: () => !window.confirm(t('factor.leave')), enableBeforeUnload: true })
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(codes.join('\n'))
      setTold('copied')
    } catch {
      // Without TLS there is no clipboard for pages.
      if (list.current) getSelection()?.selectAllChildren(list.current)
      setTold('selected')
    }
  }
  const items = codes.map((code) => <li key={code}>{code}</li>)
  return (
    <div className="stack">
      <div>
        <span className="small dim">{t('factor.step', { step: steps, steps })}</span>
        <h3>{t('factor.codesTitle')}</h3>
        <p className="dim">{t('factor.codesLead')}</p>
      </div>
      <ul ref={list} className="recovery-codes" aria-label={t('factor.codes')}>
        {items}
      </ul>
      <span className="inline">
        <Button size="compact-sm" variant="default" onClick={() => void copy()}>
          {t('factor.copyAll')}
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => window.print()}>
          {t('factor.print')}
        </Button>
        <span className="small dim" role="status">
          {told !== undefined && t(`factor.${told}`)}
        </span>
      </span>
      <div className="inline proof-buttons">
        <Button size="xs" onClick={done}>
          {t('factor.kept')}
        </Button>
      </div>
      {createPortal(
        <div className="print-only" aria-hidden="true">
          <h1>{t('factor.printTitle')}</h1>
          <p>
            {t('factor.printFor', {
              name: me.data?.name ?? '',
              host: window.location.host,
              when: formatExact(madeMs, language),
            })}
          </p>
          <ul>{items}</ul>
        </div>,
        document.body,
      )}
    </div>
  )
}
