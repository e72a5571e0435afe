/** How many rows PageDown and PageUp go. */
const PAGE_ROWS = 12

/** The row to which a key leads from the row at `index` (-1: from none of them) of `count`; undefined for other keys. */
export function nextRow(key: string, index: number, count: number): number | undefined {
  if (count === 0) return undefined
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
