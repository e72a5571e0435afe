const LINE_BYTES = 4096
const FIELDS_BYTES = 32 * 1024
const FIELD = /^VIGIA_FIELD ([a-z][a-z0-9_]{0,39})=(.{0,500})$/u
const MARK = Buffer.from('VIGIA_FIELD ')
const NEWLINE = 10

/** The values that a script tells as `VIGIA_FIELD name=value` lines; the last value of a name wins, 32 KB in all. */
export type Fields = {
  /** Takes whole characters of UTF-8. */
  add(bytes: Buffer): void
  end(): void
  found(): Record<string, string>
}

/** Reads the fields out of a stream of any length; a longer line than 4 KB is none. */
export function createFields(): Fields {
  const values = new Map<string, string>()
  let line = Buffer.alloc(0)
  let tooLong = false

  const take = (text: string): void => {
    const [, name, value] = FIELD.exec(text.endsWith('\r') ? text.slice(0, -1) : text) ?? []
    if (name === undefined || value === undefined) return
    const before = values.get(name)
    values.set(name, value)
    if (Buffer.byteLength(JSON.stringify([...values])) <= FIELDS_BYTES) return
    if (before === undefined) values.delete(name)
    else values.set(name, before)
  }
  const grow = (bytes: Buffer): void => {
    if (tooLong) return
    tooLong = line.length + bytes.length > LINE_BYTES
    line = tooLong ? Buffer.alloc(0) : Buffer.concat([line, bytes])
  }
  const close = (): void => {
    if (!tooLong && line.length > 0) take(line.toString())
    line = Buffer.alloc(0)
    tooLong = false
  }

  return {
    add(bytes) {
      const firstEnd = bytes.indexOf(NEWLINE)
      if (firstEnd < 0) {
        grow(bytes)
        return
      }
      grow(bytes.subarray(0, firstEnd))
      close()
      const lastEnd = bytes.lastIndexOf(NEWLINE)
      // Of the lines in between only those that hold the mark are looked at.
      for (let at = firstEnd + 1; at < lastEnd;) {
        const mark = bytes.indexOf(MARK, at)
        if (mark < 0 || mark > lastEnd) break
        const end = bytes.indexOf(NEWLINE, mark)
        if (bytes[mark - 1] === NEWLINE && end - mark <= LINE_BYTES) take(bytes.toString('utf8', mark, end))
        at = end + 1
      }
      grow(bytes.subarray(lastEnd + 1))
    },
    end: close,
    found: () => Object.fromEntries(values),
  }
}
