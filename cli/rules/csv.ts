/** The cells of one line of a CSV; a cell in quotes may hold commas, and two quotes for one (RFC 4180). */
export function csvCells(line: string): string[] {
  if (!line.includes('"')) return line.split(',')
  const cell = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/y
  const cells: string[] = []
  for (let match = cell.exec(line); match !== null; match = cell.exec(line)) {
    const [, quoted, plain, end] = match
    cells.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '') break
  }
  return cells
}

/** A text as a cell of a CSV, in quotes where it must be. */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const MISSING: ReadonlySet<string> = new Set(['', 'nan', 'null', 'na', 'n/a'])

/** Whether a cell says that nothing was measured: it is empty, or a word that others write there. */
export function isMissing(cell: string): boolean {
  return MISSING.has(cell.trim().toLowerCase())
}
