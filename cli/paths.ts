import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's own folder. */
export const PROJECT_DIR = fileURLToPath(new URL('..', import.meta.url))

/** Where the server's data lie: --data, VIGIA_DATA, else /var/lib/vigia for root and the XDG data folder for others. */
export function dataDirectory(option: string | undefined): string {
  const chosen = option ?? process.env['VIGIA_DATA']
  if (chosen !== undefined && chosen !== '') return resolve(chosen)
  if (process.getuid?.() === 0) return '/var/lib/vigia'
  return join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share'), 'vigia')
}
