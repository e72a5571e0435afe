import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
  const fresh = `dist-${process.pid}`
  const folder = join(PROJECT_DIR, 'dashboard', fresh)
  try {
    const args = [vite, 'build', 'dashboard', '--outDir', fresh, '--emptyOutDir', '--logLevel', 'error']
    const run = spawnSync(process.execPath, args, { cwd: PROJECT_DIR, encoding: 'utf8' })
    if (run.status !== 0)
      throw new VigiaError('INTERNAL', `The console could not be built: ${run.stderr || run.stdout}`)
    writeFileSync(join(folder, '.sources'), hash)
    takePlace(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Puts a whole build in place of the one before, so that no server and no other build ever sees half of it. */
function takePlace(folder: string): void {
  const old = `${folder}-old`
  try {
    if (existsSync(CONSOLE_DIR)) renameSync(CONSOLE_DIR, old)
    renameSync(folder, CONSOLE_DIR)
  } catch (error) {
    // Another start put its own build there at this moment, out of the same sources.
    if (!(
      error instanceof Error &&
      'code' in error &&
      (error.code === 'ENOTEMPTY' || error.code === 'ENOENT')
    ))
      throw error
  } finally {
    rmSync(old, { recursive: true, force: true })
  }
}

function sourcesHash(folders: readonly string[]): string {
  const hash = createHash('sha256')
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const path = join(folder, entry.name)
      if (entry.name.startsWith('dist') || entry.name === 'node_modules') continue
      if (entry.isDirectory()) visit(path)
      else hash.update(path.slice(PROJECT_DIR.length)).update('\0').update(readFileSync(path)).update('\0')
    }
  }
  for (const folder of folders) visit(join(PROJECT_DIR, folder))
  return hash.digest('hex')
}

// `npm run build`: for an installation whose folder the server cannot write.
if (import.meta.main) buildConsole((text) => process.stderr.write(`${text}\n`))
