import { lazy, Suspense, useCallback, useEffect, useRef, useState, type ReactElement } from 'react'
import { createPortal } from 'react-dom'
import { VigiaError } from '../../contract/errors.ts'
import { withWords } from '../language/more-words.ts'

/** Loaded with its words when it is first needed, so that no page that runs code need bring them. */
const ProofDialog = lazy(async () => ({
  default: (await withWords(['access'], () => import('./proof-dialog.tsx'))).ProofDialog,
}))

type Waiting = { answer: Promise<void>; proven: () => void; refuse: () => void }

/**
 * A step-up around what runs code: `prove` does an action, and when the server asks for the second factor first it
 * asks the person (or leads them through setting one up), then does the action once more. It throws what the action
 * throws; SECOND_FACTOR_REQUIRED when the person cancels. `dialog` must be rendered once beside what uses it.
 */
export function useProof(): {
  prove: <T>(action: () => Promise<T>) => Promise<T>
  dialog: ReactElement | null
} {
  const waiting = useRef<Waiting>(undefined)
  const [asks, setAsks] = useState(false)

  const end = useCallback((settle: (waiting: Waiting) => void): void => {
    if (waiting.current) settle(waiting.current)
    waiting.current = undefined
    setAsks(false)
  }, [])

  const prove = useCallback(async <T,>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action()
    } catch (error) {
      if (!(error instanceof VigiaError) || error.code !== 'SECOND_FACTOR_REQUIRED') throw error
      if (waiting.current === undefined) {
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        // Actions that were refused at once wait for one answer.
        waiting.current = { answer: promise, proven: resolve, refuse: () => reject(error) }
        setAsks(true)
      }
      await waiting.current.answer
      return await action()
    }
  }, [])

  // Who leaves the page has not confirmed.
  useEffect(() => () => end(({ refuse }) => refuse()), [end])

  return {
    prove,
    // Outside of what it is rendered in, which may be a form of its own.
    dialog: asks
      ? createPortal(
          <Suspense>
            <ProofDialog
              proven={() => end(({ proven }) => proven())}
              cancelled={() => end(({ refuse }) => refuse())}
            />
          </Suspense>,
          document.body,
        )
      : null,
  }
}
