import { useTable, type SortingState } from '@tanstack/react-table'
import { useMediaQuery } from '@mantine/hooks'
import { useState, type ReactElement } from 'react'
import type { DeviceView } from '../../contract/views.ts'
import { useWords } from '../language/use-words.ts'
import { Gap, useLongRows } from '../table/long-rows.tsx'
import { SortHeading } from '../table/sort-heading.tsx'
import { fleetColumns, fleetFeatures } from './columns.tsx'
import type { Picks } from './picks.ts'

const ROW_PX = 42
const NARROW_ROW_PX = 62

type ColumnId = 'status' | 'hostname' | 'client' | 'os' | 'cpu' | 'memory' | 'disk' | 'incidents' | 'lastSeen'

/**
 * The fleet as a table of which only the rows in sight are drawn; a row has one height. Arrow keys, Page, Home
 * and End move the focus from device to device.
 */
export function FleetTable({ devices, picks }: { devices: DeviceView[]; picks: Picks }): ReactElement {
  const { t } = useWords()
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
  const { scroller, items, beforePx, afterPx, walk } = useLongRows({
    count: rows.length,
    rowPx,
    headPx: 40,
    keyOf: (index) => rows[index]?.id ?? index,
    focus: '.row-link',
  })
  return (
    // Focusable, since it scrolls.
    <div
      ref={scroller}
      className="fleet card"
      tabIndex={0}
      role="region"
      aria-label={t('fleet.table')}
      onKeyDown={walk}
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
                  <SortHeading
                    key={header.id}
                    column={id}
                    name={name}
                    sorted={sorted === false ? false : sorted === 'asc' ? 'ascending' : 'descending'}
                    sort={() => header.column.toggleSorting()}
                  />
                )
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          <Gap px={beforePx} />
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
          <Gap px={afterPx} />
        </tbody>
      </table>
    </div>
  )
}
