import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { VigiaError } from '../../contract/errors.ts'
import { PROJECT_DIR } from '../paths.ts'

/** Where the built console lies. */
export const CONSOLE_DIR = join(PROJECT_DIR, 'dashboard/dist')

/**
 * Builds the console when it is not there or older than its sources (by their hash). An installation without the
 * build tool keeps what it has.
 */
export function buildConsole(progress: (text: string) => void): void {
  const vite = join(PROJECT_DIR, 'node_modules/vite/bin/vite.js')
  if (!existsSync(vite)) return
  const mark = join(CONSOLE_DIR, '.sources')
  const hash = sourcesHash(['dashboard', 'contract'])
  if (existsSync(mark) && readFileSync(mark, 'utf8') === hash) return
  progress('Building the console (only after a change) …')
  const run = spawnSync(process.execPath, [vite, 'build', 'dashboard', '--logLevel', 'error'], {
    cwd: PROJECT_DIR,
    encoding: 'utf8',
  })
  if (run.status !== 0)
    throw new VigiaError('INTERNAL', `The console could not be built: ${run.stderr || run.stdout}`)
  writeFileSync(mark, hash)
}

function sourcesHash(folders: readonly string[]): string {
  const hash = createHash('sha256')
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const path = join(folder, entry.name)
      if (entry.name === 'dist' || entry.name === 'node_modules') continue
      if (entry.isDirectory()) visit(path)
      else hash.update(path.slice(PROJECT_DIR.length)).update('\0').update(readFileSync(path)).update('\0')
    }
  }
  for (const folder of folders) visit(join(PROJECT_DIR, folder))
  return hash.digest('hex')
}

// `npm run build`: for an installation whose folder the server cannot write.
if (import.meta.main) buildConsole((text) => process.stderr.write(`${text}\n`))
