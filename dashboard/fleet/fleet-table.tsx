import { useTable, type SortingState } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useMediaQuery } from '@mantine/hooks'
import { useEffect, useRef, useState, type KeyboardEvent, type ReactElement } from 'react'
import type { DeviceView } from '../../contract/views.ts'
import { useWords } from '../language/use-words.ts'
import { fleetColumns, fleetFeatures } from './columns.tsx'
import type { Picks } from './picks.ts'

const ROW_PX = 42
const NARROW_ROW_PX = 62
const PAGE_ROWS = 12

type ColumnId = 'status' | 'hostname' | 'client' | 'os' | 'cpu' | 'memory' | 'disk' | 'incidents' | 'lastSeen'

/**
 * The fleet as a table of which only the rows in sight are drawn; a row has one height. Arrow keys, Page, Home
 * and End move the focus from device to device.
 */
export function FleetTable({ devices, picks }: { devices: DeviceView[]; picks: Picks }): ReactElement {
  const { t } = useWords()
  const scroller = useRef<HTMLDivElement>(null)
  const [sorting, setSorting] = useState<SortingState>([{ id: 'status', desc: false }])
  const narrow = useMediaQuery('(max-width: 720px)', false, { getInitialValueInEffect: false })
  const rowPx = narrow ? NARROW_ROW_PX : ROW_PX
  const table = useTable({
    features: fleetFeatures,
    columns: fleetColumns,
    data: devices,
    getRowId: (device) => device.id,
    state: { sorting },
    onSortingChange: setSorting,
    enableSortingRemoval: false,
  })
  const rows = table.getRowModel().rows
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 8,
    scrollPaddingStart: 40,
  })
  useEffect(() => virtual.measure(), [virtual, rowPx])
  const items = virtual.getVirtualItems()
  const before = items[0]?.start ?? 0
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)

  const focusRow = (index: number): void => {
    virtual.scrollToIndex(index)
    // The row may have to be drawn first.
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        scroller.current?.querySelector<HTMLElement>(`[data-row="${index}"] .row-link`)?.focus(),
      ),
    )
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-row]') : null
    if (!row) return
    const index = Number(row.dataset['row'])
    const next = nextRow(event.key, index, rows.length)
    if (next === undefined) return
    event.preventDefault()
    focusRow(next)
  }

  return (
    // Focusable, since it scrolls.
    <div
      ref={scroller}
      className="fleet card"
      tabIndex={0}
      role="region"
      aria-label={t('fleet.table')}
      onKeyDown={onKeyDown}
    >
      <table aria-rowcount={rows.length + 1} aria-label={t('fleet.table')}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} aria-rowindex={1}>
              <th scope="col" data-column="pick">
                <input
                  type="checkbox"
                  aria-label={t('fleet.pickAll')}
                  checked={devices.length > 0 && devices.every(({ id }) => picks.has(id))}
                  onChange={(event) =>
                    event.currentTarget.checked ? picks.add(devices.map(({ id }) => id)) : picks.clear()
                  }
                />
              </th>
              {group.headers.map((header) => {
                const id = header.column.id as ColumnId
                const sorted = header.column.getIsSorted()
                const name = id === 'client' ? t('common.client') : t(`fleet.${id}`)
                return (
                  <th
                    key={header.id}
                    scope="col"
                    data-column={id}
                    aria-sort={sorted === false ? 'none' : sorted === 'asc' ? 'ascending' : 'descending'}
                  >
                    <button
                      type="button"
                      onClick={() => header.column.toggleSorting()}
                      title={t('fleet.sortBy', { column: name })}
                    >
                      {name}
                      <span aria-hidden="true" className="sort-mark">
                        {sorted === false ? '' : sorted === 'asc' ? '▲' : '▼'}
                      </span>
                    </button>
                  </th>
                )
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {before > 0 && <Gap px={before} />}
          {items.map((item) => {
            const row = rows[item.index]
            if (!row) return null
            return (
              <tr key={row.id} data-row={item.index} aria-rowindex={item.index + 2} style={{ height: rowPx }}>
                <td data-column="pick">
                  <input
                    type="checkbox"
                    aria-label={t('fleet.pick', { name: row.original.hostname })}
                    checked={picks.has(row.id)}
                    onChange={() => undefined}
                    onClick={(event) =>
                      picks.click(
                        row.id,
                        event.shiftKey,
                        rows.map(({ id }) => id),
                      )
                    }
                  />
                </td>
                {row.getAllCells().map((cell) => (
                  <td key={cell.id} data-column={cell.column.id}>
                    <table.FlexRender cell={cell} />
                  </td>
                ))}
              </tr>
            )
          })}
          {after > 0 && <Gap px={after} />}
        </tbody>
      </table>
    </div>
  )
}

function Gap({ px }: { px: number }): ReactElement {
  return (
    <tr aria-hidden="true">
      <td style={{ height: px, padding: 0, border: 0 }} />
    </tr>
  )
}

function nextRow(key: string, index: number, count: number): number | undefined {
  const last = count - 1
  switch (key) {
    case 'ArrowDown':
      return Math.min(last, index + 1)
    case 'ArrowUp':
      return Math.max(0, index - 1)
    case 'PageDown':
      return Math.min(last, index + PAGE_ROWS)
    case 'PageUp':
      return Math.max(0, index - PAGE_ROWS)
    case 'Home':
      return 0
    case 'End':
      return last
    default:
      return undefined
  }
}
