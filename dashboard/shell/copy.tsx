import { Button } from '@mantine/core'
import { useRef, useState, type ReactElement } from 'react'
import { useWords } from '../language/use-words.ts'

/** A text to be used elsewhere, with a button that copies it, or selects it where the browser lets no page copy. */
export function CopyText({ text }: { text: string }): ReactElement {
  const { t } = useWords()
  const code = useRef<HTMLElement>(null)
  const [done, setDone] = useState<'copied' | 'selected'>()
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text)
      setDone('copied')
    } catch {
      // Without TLS there is no clipboard for pages.
      if (code.current) getSelection()?.selectAllChildren(code.current)
      setDone('selected')
    }
  }
  return (
    <div className="copy">
      <code ref={code} className="command">
        {text}
      </code>
      <span className="inline">
        <Button size="compact-sm" variant="default" onClick={() => void copy()}>
          {t('copy.copy')}
        </Button>
        <span className="small dim" role="status">
          {done !== undefined && t(`copy.${done}`)}
        </span>
      </span>
    </div>
  )
}
