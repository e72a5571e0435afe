import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactElement, ReactNode } from 'react'
import { Failure, Waiting } from '../shell/parts.tsx'

/** What a list page shows of its answer: what went wrong, that it waits, what stands there for want of rows, or these. */
export function Listed<T>({
  answer,
  empty,
  children,
}: {
  answer: UseQueryResult<readonly T[]>
  empty: ReactElement
  children: (rows: readonly T[]) => ReactNode
}): ReactElement {
  return (
    <>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting rows={6} />}
      {answer.data?.length === 0 && <div className="card">{empty}</div>}
      {answer.data !== undefined && answer.data.length > 0 && children(answer.data)}
    </>
  )
}

/** A table under names of columns, in a card that scrolls; `children` are its rows. */
export function ListTable({
  label,
  className,
  columns,
  children,
}: {
  label: string
  className: string
  /** `number`: its values are figures, which stand at the right. */
  columns: readonly { key: string; name: ReactNode; number?: boolean }[]
  children: ReactNode
}): ReactElement {
  return (
    // Focusable, since it scrolls.
    <div className="card table-wrap" tabIndex={0} role="region" aria-label={label}>
      <table className={`table ${className}`}>
        <thead>
          <tr>
            {columns.map(({ key, name, number }) => (
              <th key={key} scope="col" data-column={key} className={number ? 'number' : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
