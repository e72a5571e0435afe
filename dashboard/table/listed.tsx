import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactElement, ReactNode } from 'react'
import { Answered } from '../shell/answered.tsx'

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
    <Answered answer={answer} rows={6}>
      {(rows) => (rows.length === 0 ? <div className="card">{empty}</div> : children(rows))}
    </Answered>
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
