import { Button } from '@mantine/core'
import { useEffect, useRef, useState, type ReactElement } from 'react'
import { useWords } from '../../language/use-words.ts'

/** A text on its way to the clipboard there, or from it: a person moves it, so no page reads a clipboard by itself. */
export function ClipboardDialog({
  way,
  text,
  send,
  close,
}: {
  way: 'to' | 'from'
  text: string
  send: (text: string) => void
  close: () => void
}): ReactElement {
  const { t } = useWords()
  const dialog = useRef<HTMLDialogElement>(null)
  const [given, setGiven] = useState('')
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} className="remote-dialog" aria-labelledby="clipboard" onClose={close}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (way === 'to') send(given)
          close()
        }}
      >
        <h2 id="clipboard">{t(way === 'to' ? 'screen.copyToTitle' : 'screen.copyFromTitle')}</h2>
        {way === 'from' && text === '' ? (
          <p className="dim">{t('screen.nothingCopied')}</p>
        ) : (
          <textarea
            className="clipboard-text"
            aria-labelledby="clipboard"
            rows={6}
            maxLength={100_000}
            readOnly={way === 'from'}
            value={way === 'from' ? text : given}
            onChange={(event) => setGiven(event.currentTarget.value)}
          />
        )}
        <div className="inline dialog-buttons">
          {way === 'to' && (
            <Button type="submit" size="xs" disabled={given === ''}>
              {t('screen.send')}
            </Button>
          )}
          <Button size="xs" variant="default" onClick={close}>
            {t('screen.close')}
          </Button>
        </div>
      </form>
    </dialog>
  )
}
