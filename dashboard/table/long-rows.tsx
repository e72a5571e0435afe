import { useVirtualizer, type VirtualItem } from '@tanstack/react-virtual'
import { useEffect, useRef, type KeyboardEvent, type ReactElement, type RefObject } from 'react'
import { nextRow } from './walk.ts'

/** What a table draws of its rows: those in sight, and the room that the others take. */
export type LongRows = {
  /** For the element that scrolls. */
  scroller: RefObject<HTMLDivElement | null>
  items: readonly VirtualItem[]
  beforePx: number
  afterPx: number
  /** Follows a key that walks through the rows, each of which has its place in `data-row`; true when it was one. */
  walk: (event: KeyboardEvent) => boolean
}

/**
 * The rows in sight of a long table whose rows have one height. `headPx` is what its head covers of a row that is
 * scrolled to, `focus` the selector of what takes the focus in a row.
 */
export function useLongRows(options: {
  count: number
  rowPx: number
  headPx: number
  keyOf: (index: number) => string | number
  focus: string
}): LongRows {
  const { count, rowPx, headPx, keyOf, focus } = options
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    getItemKey: keyOf,
    overscan: 8,
    scrollPaddingStart: headPx,
  })
  useEffect(() => virtual.measure(), [virtual, rowPx])
  const items = virtual.getVirtualItems()
  const focusRow = (index: number): void => {
    virtual.scrollToIndex(index)
    // The row may have to be drawn first.
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        scroller.current?.querySelector<HTMLElement>(`[data-row="${index}"] ${focus}`)?.focus(),
      ),
    )
  }
  return {
    scroller,
    items,
    beforePx: items[0]?.start ?? 0,
    afterPx: virtual.getTotalSize() - (items.at(-1)?.end ?? 0),
    walk(event) {
      const next = nextRow(event.key, rowOf(event), count)
      if (next === undefined) return false
      event.preventDefault()
      focusRow(next)
      return true
    },
  }
}

/** The place of the row in which an event happened; -1 when it was in none. */
export function rowOf(event: KeyboardEvent): number {
  const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-row]') : null
  return row ? Number(row.dataset['row']) : -1
}

/** The room of rows that are not drawn. */
export function Gap({ px }: { px: number }): ReactElement | null {
  if (px <= 0) return null
  return (
    <tr aria-hidden="true">
      <td style={{ height: px, padding: 0, border: 0 }} />
    </tr>
  )
}
