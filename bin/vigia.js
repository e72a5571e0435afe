#!/usr/bin/env node
// Plain JavaScript on purpose: an old Node must be able to read this file and hand over to the project's own.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const OLDEST_MAJOR = 24
const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url))

if (Number(process.versions.node.split('.')[0]) >= OLDEST_MAJOR) {
  await import(main)
} else {
  const own = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  if (!existsSync(own)) {
    console.error(
      `VIGIA_NODE_MISSING: Node ${process.versions.node} is too old and the project's own Node is not installed.\n` +
        'Next step: run "npm ci" in the project folder (its install scripts fetch node@24), then try again.',
    )
    process.exit(69)
  }
  const child = spawn(own, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal's Ctrl-C reaches the child by itself; a signal to this process alone is handed on.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  process.on('SIGINT', () => undefined)
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    } else process.exit(code ?? 1)
  })
}
