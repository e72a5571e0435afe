import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const SERVER_URL_FILE = 'server.url'

/** The project's own folder. */
export const PROJECT_DIR = fileURLToPath(new URL('..', import.meta.url))

/** Where the server's data lie: --data, VIGIA_DATA, else /var/lib/vigia for root and the XDG data folder for others. */
export function dataDirectory(option: string | undefined): string {
  const chosen = option ?? process.env['VIGIA_DATA']
  if (chosen !== undefined && chosen !== '') return resolve(chosen)
  if (process.getuid?.() === 0) return '/var/lib/vigia'
  return join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share'), 'vigia')
}

/** Where the server is: --server, VIGIA_SERVER, what a server wrote into the data directory, or the default. */
export function serverUrl(option: string | undefined, dataDir: string): string {
  const named = option ?? process.env['VIGIA_SERVER']
  if (named !== undefined && named !== '') return named.replace(/\/$/, '')
  const file = join(dataDir, SERVER_URL_FILE)
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'http://127.0.0.1:7400'
}

/** Writes down where the server of a data directory listens, for the commands that come after. */
export function noteServerUrl(dataDir: string, url: string): void {
  writeFileSync(join(dataDir, SERVER_URL_FILE), `${url}\n`)
}
