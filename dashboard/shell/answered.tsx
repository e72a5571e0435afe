import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactElement, ReactNode } from 'react'
import { Failure, Waiting } from './parts.tsx'

/**
 * What the answer of a question is shown as: that it waits, what went wrong with the way to ask again, and `children` of
 * what is known, which stands although asking once more has failed.
 */
export function Answered<T>({
  answer,
  rows = 7,
  children,
}: {
  answer: UseQueryResult<T>
  /** As many lines stand there while it waits. */
  rows?: number
  children: (data: T) => ReactNode
}): ReactElement {
  return (
    <>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting rows={rows} />}
      {answer.data !== undefined && children(answer.data)}
    </>
  )
}
