import { createHash } from 'node:crypto'

/** Names a rule's content: first 12 hexadecimal digits of SHA-256 over its JSON with sorted keys. */
export function versionOf(content: unknown): string {
  return createHash('sha256').update(sortedJson(content)).digest('hex').slice(0, 12)
}

function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, part]) => part !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, part]) => `${JSON.stringify(name)}:${sortedJson(part)}`).join(',')}}`
}
