import { useMemo, useState, type KeyboardEvent, type ReactElement } from 'react'
import type { FileEntry } from '../../../contract/remote/files.ts'
import { formatBytes, formatExact } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import { Gap, rowOf, useLongRows } from '../../table/long-rows.tsx'
import { SortHeading } from '../../table/sort-heading.tsx'

const ROW_PX = 38
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
  const [order, setOrder] = useState<{ by: Column; down: boolean }>({ by: 'name', down: false })
  const rows = useMemo(() => sorted(entries, order.by, order.down), [entries, order])
  const { scroller, items, beforePx, afterPx, walk } = useLongRows({
    count: rows.length,
    rowPx: ROW_PX,
    headPx: 36,
    keyOf: (index) => rows[index]?.name ?? index,
    focus: '.entry',
  })
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Backspace') {
      event.preventDefault()
      up()
      return
    }
    if (walk(event)) return
    const entry = rows[rowOf(event)]
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
              <SortHeading
                key={column}
                column={column}
                name={t(`files.${column}`)}
                sorted={order.by !== column ? false : order.down ? 'descending' : 'ascending'}
                sort={() => setOrder({ by: column, down: order.by === column && !order.down })}
              />
            ))}
            <td data-column="acts" />
          </tr>
        </thead>
        <tbody>
          <Gap px={beforePx} />
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
          <Gap px={afterPx} />
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
