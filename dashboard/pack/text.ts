import type { ErrorAnswer } from '../../contract/views.ts'

/** A fault as the server tells it. */
export type FaultView = ErrorAnswer['faults'][number]

/** The first text of a pack that is still to be written: one whole rule, or the overrides that are to be added. */
export function newPack(name: string, add: string | undefined): string {
  const head = `pack: ${name}\nversion: 1\n`
  if (add !== undefined) return head + add
  return `${head}rules:
  - name: ${name}-backup-disk
    title: { en: Backup disk low on space, es: Poco espacio en el disco de copias }
    owner: service-desk
    severity: warning
    signal: { metric: disk.used_percent, where: { mount: /backup } }
    threshold: { above: 85, clear: 80 }
    for: 5m
    runbook: Remove backups that are past their retention, then ask why they were kept.
    noRemedy: Nobody but the client may decide which backup goes.
`
}

/** A pack with further overrides (`overrides:` and its items) before those that it has, in its own indentation. */
export function addOverrides(text: string, add: string): string {
  const items = add.replace(/^overrides:\n/, '')
  const [key] = /^overrides:[ ]*(\[\s*\][ ]*)?(#.*)?$/m.exec(text) ?? []
  if (key === undefined) return `${text.replace(/\n*$/, '\n')}overrides:\n${items}`
  const start = text.indexOf(key, text.search(/^overrides:/m)) + key.length
  const after = text.slice(start)
  const [, present] = /^\n(?:[ ]*(?:#.*)?\n)*([ ]*)- /.exec(after) ?? []
  const [, own = ''] = /^([ ]*)- /.exec(items) ?? []
  const indented = items
    .trimEnd()
    .split('\n')
    .map((line) => (present === undefined ? line : present + line.slice(own.length)))
    .join('\n')
  return `${text.slice(0, start - key.length)}overrides:\n${indented}${after}`
}

/** Is this the name of a pack? */
export function isPackName(name: string): boolean {
  return name.length <= 64 && /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)
}
