import type { RunResult } from '../../../contract/run.ts'

/** What rows are grouped by: a column of every result, or a field that the script told. */
export type GroupKey = 'state' | 'exit' | `field:${string}`

/** Every field that any row tells, in order. */
export function fieldsOf(rows: readonly RunResult[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row.fields)))].sort()
}

/** The value by which a row is grouped; empty where it has none. */
export function groupValue(row: RunResult, key: GroupKey): string {
  if (key === 'state') return row.state
  if (key === 'exit') return row.exitCode === null ? '' : String(row.exitCode)
  return row.fields[key.slice('field:'.length)] ?? ''
}

/** The groups of rows with their sizes, the largest first. */
export function groupsOf(rows: readonly RunResult[], key: GroupKey): { value: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const row of rows) {
    const value = groupValue(row, key)
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || a.value.localeCompare(b.value))
}

/** What of the rows is shown. */
export type RowFilter = { state: string; text: string; group: { key: GroupKey; value: string } | null }

/** The rows that pass: by state, by words in names, reason and fields, and by one group. */
export function passing(rows: readonly RunResult[], { state, text, group }: RowFilter): RunResult[] {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean)
  return rows.filter((row) => {
    if (state !== '' && row.state !== state) return false
    if (group !== null && groupValue(row, group.key) !== group.value) return false
    if (words.length === 0) return true
    const all = [row.hostname, row.client, row.reason ?? '', ...Object.values(row.fields)]
      .join(' ')
      .toLocaleLowerCase()
    return words.every((word) => all.includes(word))
  })
}

/** A column of the table, or a field of the script. */
export type SortKey = 'device' | 'client' | 'state' | 'exit' | 'took' | 'wave' | `field:${string}`

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** Rows by one column, figures by their size; those without a value come last, both ways. */
export function sorted(rows: readonly RunResult[], key: SortKey, down: boolean): RunResult[] {
  const sign = down ? -1 : 1
  return [...rows].sort((a, b) => {
    const [left, right] = [valueOf(a, key), valueOf(b, key)]
    if (left === '' || right === '') return left === right ? 0 : left === '' ? 1 : -1
    const [one, other] = [Number(left), Number(right)]
    return sign * (Number.isNaN(one - other) ? collator.compare(left, right) : one - other)
  })
}

function valueOf(row: RunResult, key: SortKey): string {
  switch (key) {
    case 'device':
      return row.hostname
    case 'client':
      return row.client
    case 'state':
      return row.state
    case 'exit':
      return row.exitCode === null ? '' : String(row.exitCode)
    case 'took':
      return row.tookMs === null ? '' : String(row.tookMs)
    case 'wave':
      return String(row.wave)
    default:
      return row.fields[key.slice('field:'.length)] ?? ''
  }
}
