import type { ReactElement } from 'react'
import { formatSpan } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { useNow } from '../now.ts'
import { Tag } from '../shell/parts.tsx'

const MINUTE_MS = 60_000

/** For how long the second factor still counts in this session; nothing when it does not. */
export function ProofBadge({
  untilMs,
  short = false,
}: {
  untilMs: number
  /** Shows the time alone, where there is little room. */
  short?: boolean
}): ReactElement | null {
  const { t, language } = useWords()
  const leftMs = untilMs - useNow(1000)
  if (leftMs <= 0) return null
  const left = formatSpan(Math.ceil(leftMs / MINUTE_MS) * MINUTE_MS, language)
  return (
    <span title={t('proof.leftHelp', { left })}>
      <Tag tone="info">
        {short ? (
          <>
            <span aria-hidden="true">{left}</span>
            <span className="sr-only">{t('proof.left', { left })}</span>
          </>
        ) : (
          t('proof.left', { left })
        )}
      </Tag>
    </span>
  )
}
