import type { ReactElement } from 'react'
import { VigiaError } from '../../contract/errors.ts'
import { useWords } from '../language/use-words.ts'
import { Failure } from '../shell/parts.tsx'

/** What went wrong with a passkey: the server's error, or that the browser came back without one. */
export function PasskeyFailure({ error }: { error: unknown }): ReactElement {
  const { t } = useWords()
  if (error instanceof VigiaError) return <Failure error={error} />
  const isKnown = error instanceof Error && error.name === 'InvalidStateError'
  return (
    <div className="failure" data-tone="critical" role="alert">
      <strong>{t(isKnown ? 'passkey.known' : 'passkey.none')}</strong>
      <span>{t('passkey.noneNext')}</span>
    </div>
  )
}
