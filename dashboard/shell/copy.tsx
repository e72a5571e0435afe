import { Button } from '@mantine/core'
import { useRef, useState, type ReactElement, type RefObject } from 'react'
import { useWords } from '../language/use-words.ts'

/** A text to be used elsewhere, with a button that copies it. */
export function CopyText({ text }: { text: string }): ReactElement {
  const code = useRef<HTMLElement>(null)
  return (
    <div className="copy">
      <code ref={code} className="command">
        {text}
      </code>
      <CopyButton of={code} text={() => text} />
    </div>
  )
}

/** Copies a text, or selects the element that shows it where the browser lets no page copy. */
export function CopyButton({
  of,
  text,
}: {
  of: RefObject<HTMLElement | null>
  text: () => string
}): ReactElement {
  const { t } = useWords()
  const [done, setDone] = useState<'copied' | 'selected'>()
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text())
      setDone('copied')
    } catch {
      // Without TLS there is no clipboard for pages.
      if (of.current) getSelection()?.selectAllChildren(of.current)
      setDone('selected')
    }
  }
  return (
    <span className="inline">
      <Button size="compact-sm" variant="default" onClick={() => void copy()}>
        {t('copy.copy')}
      </Button>
      <span className="small dim" role="status">
        {done !== undefined && t(`copy.${done}`)}
      </span>
    </span>
  )
}
