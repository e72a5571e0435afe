import { Button } from '@mantine/core'
import { useState, type ReactElement } from 'react'
import { useWords } from '../language/use-words.ts'

/** A button for what cannot be taken back: pressed, it asks, and does it after a yes. */
export function AskFirst({
  label,
  named = label,
  question,
  size,
  busy,
  act,
}: {
  label: string
  /** What a screen reader says, where many buttons of a page have one label. */
  named?: string
  question: string
  size: 'xs' | 'compact-xs'
  /** It is being done. */
  busy: boolean
  act: () => void
}): ReactElement {
  const { t } = useWords()
  const [asks, setAsks] = useState(false)
  if (!asks)
    return (
      <Button size={size} variant="default" aria-label={named} loading={busy} onClick={() => setAsks(true)}>
        {label}
      </Button>
    )
  return (
    <>
      <span>{question}</span>
      <Button
        size={size}
        color="red"
        onClick={() => {
          setAsks(false)
          act()
        }}
      >
        {t('common.yes')}
      </Button>
      <Button size={size} variant="default" onClick={() => setAsks(false)}>
        {t('common.no')}
      </Button>
    </>
  )
}
