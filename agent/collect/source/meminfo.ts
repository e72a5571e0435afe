/** A line of /proc/meminfo in bytes; undefined when it is not there. The file's kB are 1024 bytes. */
export function readKilobytes(text: string | undefined, field: string): number | undefined {
  if (text === undefined) return undefined
  const at = text.startsWith(`${field}:`) ? 0 : text.indexOf(`\n${field}:`)
  if (at < 0) return undefined
  const start = text.indexOf(':', at) + 1
  const value = Number.parseInt(text.slice(start, start + 24), 10)
  return Number.isFinite(value) ? value * 1024 : undefined
}
