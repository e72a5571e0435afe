// Starts the agent lean: Node compiles TypeScript with a compiler of 11 MB that would stay in memory for good. So
// this fills Node's compile cache first and then becomes the agent (same process, same pid), which loads from it.
import { mkdirSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { AGENT_NODE_ENVIRONMENT, AGENT_NODE_FLAGS } from './node-flags.ts'
import { agentPaths } from './paths.ts'

const argv = process.argv.slice(2)
const cacheDir = cacheDirOf(argv)
// The cache is of use only to a Node with the same flags, so they come first.
const tuned =
  process.env['NODE_COMPILE_CACHE'] === cacheDir &&
  AGENT_NODE_FLAGS.every((flag) => process.execArgv.includes(flag))
if (cacheDir !== undefined && !tuned) become('main.ts', cacheDir)

const { readArguments, fail, runAgent } = await import('./run.ts')
try {
  readArguments(argv)
  if (cacheDir === undefined) runAgent(argv)
  else {
    flushCompileCache()
    become('run.ts', cacheDir)
  }
} catch (thrown) {
  fail(thrown)
}

/** Becomes a Node that runs another file of this folder; does not return. */
function become(file: string, directory: string): void {
  process.removeAllListeners('warning')
  const script = fileURLToPath(new URL(file, import.meta.url))
  const environment = { ...process.env, ...AGENT_NODE_ENVIRONMENT, NODE_COMPILE_CACHE: directory }
  process.execve?.(process.execPath, [process.execPath, ...AGENT_NODE_FLAGS, script, ...argv], environment)
}

/** Where compiled code may be kept; undefined where a process cannot become another, or nothing can be written. */
function cacheDirOf(given: readonly string[]): string | undefined {
  const at = given.indexOf('--data')
  const dataDir =
    at >= 0 ? given[at + 1] : given.find((each) => each.startsWith('--data='))?.slice('--data='.length)
  if (!dataDir || process.execve === undefined || process.platform === 'win32') return undefined
  try {
    mkdirSync(agentPaths(dataDir).codeCache, { recursive: true, mode: 0o700 })
    return agentPaths(dataDir).codeCache
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) return undefined
    throw thrown
  }
}
