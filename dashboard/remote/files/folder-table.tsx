import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef, useState, type KeyboardEvent, type ReactElement } from 'react'
import type { FileEntry } from '../../../contract/remote/files.ts'
import { formatBytes, formatExact } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'

const ROW_PX = 38
const PAGE_ROWS = 12
const COLUMNS = ['name', 'size', 'changed'] as const
type Column = (typeof COLUMNS)[number]

/** What is in a folder, of which only the rows in sight are drawn. Folders stand first, whatever the order. */
export function FolderTable({
  entries,
  control,
  open,
  up,
  act,
}: {
  entries: readonly FileEntry[]
  control: boolean
  open: (entry: FileEntry) => void
  up: () => void
  act: (what: 'rename' | 'remove', entry: FileEntry) => void
}): ReactElement {
  const { t, language } = useWords()
  const scroller = useRef<HTMLDivElement>(null)
  const [order, setOrder] = useState<{ by: Column; down: boolean }>({ by: 'name', down: false })
  const rows = useMemo(() => sorted(entries, order.by, order.down), [entries, order])
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => rows[index]?.name ?? index,
    overscan: 8,
    scrollPaddingStart: 36,
  })
  const items = virtual.getVirtualItems()
  const before = items[0]?.start ?? 0
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const focusRow = (index: number): void => {
    virtual.scrollToIndex(index)
    // The row may have to be drawn first.
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        scroller.current?.querySelector<HTMLElement>(`[data-row="${index}"] .entry`)?.focus(),
      ),
    )
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Backspace') {
      event.preventDefault()
      up()
      return
    }
    const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-row]') : null
    const index = row ? Number(row.dataset['row']) : -1
    const next = nextRow(event.key, index, rows.length)
    if (next !== undefined) {
      event.preventDefault()
      focusRow(next)
      return
    }
    const entry = rows[index]
    if (!control || !entry) return
    if (event.key === 'Delete') act('remove', entry)
    else if (event.key === 'F2') act('rename', entry)
  }
  return (
    // Focusable, since it scrolls.
    <div
      ref={scroller}
      className="folder-rows"
      tabIndex={0}
      role="region"
      aria-label={t('files.table')}
      onKeyDown={onKeyDown}
    >
      <table aria-rowcount={rows.length + 1} aria-label={t('files.table')}>
        <thead>
          <tr aria-rowindex={1}>
            {COLUMNS.map((column) => (
              <th
                key={column}
                scope="col"
                data-column={column}
                aria-sort={order.by !== column ? 'none' : order.down ? 'descending' : 'ascending'}
              >
                <button
                  type="button"
                  title={t('files.sortBy', { column: t(`files.${column}`) })}
                  onClick={() => setOrder({ by: column, down: order.by === column && !order.down })}
                >
                  {t(`files.${column}`)}
                  <span aria-hidden="true" className="sort-mark">
                    {order.by !== column ? '' : order.down ? '▼' : '▲'}
                  </span>
                </button>
              </th>
            ))}
            <td data-column="acts" />
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Gap px={before} />}
          {items.map((item) => {
            const entry = rows[item.index]
            if (!entry) return null
            return (
              <tr
                key={item.key}
                data-row={item.index}
                data-kind={entry.kind}
                aria-rowindex={item.index + 2}
                style={{ height: ROW_PX }}
              >
                <td data-column="name">
                  <button
                    type="button"
                    className="entry"
                    title={t(`files.kind.${entry.kind}`)}
                    aria-disabled={entry.kind !== 'file' && entry.kind !== 'folder'}
                    onClick={() => open(entry)}
                  >
                    <KindMark kind={entry.kind} />
                    <bdi>{shown(entry.name)}</bdi>
                    <span className="sr-only">, {t(`files.kind.${entry.kind}`)}</span>
                  </button>
                </td>
                <td data-column="size">{entry.kind === 'file' && formatBytes(entry.size, language)}</td>
                <td data-column="changed">
                  {entry.changedAtMs > 0 && formatExact(entry.changedAtMs, language)}
                </td>
                <td data-column="acts">
                  {entry.kind === 'file' && (
                    <RowButton name={entry.name} label={t('files.download')} press={() => open(entry)} />
                  )}
                  {control && entry.kind !== 'other' && (
                    <>
                      <RowButton
                        name={entry.name}
                        label={t('files.rename')}
                        press={() => act('rename', entry)}
                      />
                      <RowButton
                        name={entry.name}
                        label={t('files.remove')}
                        press={() => act('remove', entry)}
                      />
                    </>
                  )}
                </td>
              </tr>
            )
          })}
          {after > 0 && <Gap px={after} />}
        </tbody>
      </table>
    </div>
  )
}

function RowButton({ name, label, press }: { name: string; label: string; press: () => void }): ReactElement {
  const { t } = useWords()
  return (
    <button
      type="button"
      className="link-button small"
      aria-label={t('files.of', { what: label, name: shown(name) })}
      onClick={press}
    >
      {label}
    </button>
  )
}

const MARKS: Record<FileEntry['kind'], string> = {
  folder: 'M3 6h6l2 2h10v11H3z',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  link: 'M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1',
  other: 'M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M6.5 17.5l11-11',
}

function KindMark({ kind }: { kind: FileEntry['kind'] }): ReactElement {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" aria-hidden="true">
      <path d={MARKS[kind]} />
    </svg>
  )
}

function Gap({ px }: { px: number }): ReactElement {
  return (
    <tr aria-hidden="true">
      <td colSpan={4} style={{ height: px, padding: 0, border: 0 }} />
    </tr>
  )
}

/** A name as one line, with what cannot be seen made visible: names are chosen by whoever made the file. */
function shown(name: string): string {
  return name.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, '␣')
}

function sorted(entries: readonly FileEntry[], by: Column, down: boolean): FileEntry[] {
  const collator = new Intl.Collator(undefined, { numeric: true })
  const sign = down ? -1 : 1
  const compare = (a: FileEntry, b: FileEntry): number => {
    const order =
      by === 'size'
        ? a.size - b.size
        : by === 'changed'
          ? a.changedAtMs - b.changedAtMs
          : collator.compare(a.name, b.name)
    return sign * order || collator.compare(a.name, b.name)
  }
  return [...entries].sort(
    (a, b) => Number(b.kind === 'folder') - Number(a.kind === 'folder') || compare(a, b),
  )
}

function nextRow(key: string, index: number, count: number): number | undefined {
  switch (key) {
    case 'ArrowDown':
      return Math.min(count - 1, index + 1)
    case 'ArrowUp':
      return Math.max(0, index - 1)
    case 'PageDown':
      return Math.min(count - 1, index + PAGE_ROWS)
    case 'PageUp':
      return Math.max(0, index - PAGE_ROWS)
    case 'Home':
      return 0
    case 'End':
      return count - 1
    default:
      return undefined
  }
}
