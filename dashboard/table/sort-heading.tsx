import './table.css'
import type { ReactElement } from 'react'
import { useWords } from '../language/use-words.ts'

/** How a table is sorted by a column; false: by another. */
export type Sorted = 'ascending' | 'descending' | false

/** The heading of a column that sorts its table when it is pressed. */
export function SortHeading({
  column,
  name,
  sorted,
  sort,
  number = false,
}: {
  column: string
  name: string
  sorted: Sorted
  sort: () => void
  /** Its values are figures, which stand at the right. */
  number?: boolean
}): ReactElement {
  const { t } = useWords()
  return (
    <th
      scope="col"
      data-column={column}
      className={number ? 'sort-heading number' : 'sort-heading'}
      aria-sort={sorted === false ? 'none' : sorted}
    >
      <button type="button" title={t('common.sortBy', { column: name })} onClick={sort}>
        {name}
        <span aria-hidden="true" className="sort-mark">
          {sorted === false ? '' : sorted === 'ascending' ? '▲' : '▼'}
        </span>
      </button>
    </th>
  )
}
