import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Installation } from '../../support/installation.ts'

/** The first line of each stream of `flood`, and its last. */
export const FIRST = 'the beginning\n'
export const LAST = 'the end\n'

/** Prints `NUMBER TIME` on stdout and stderr in turn, every so many milliseconds; `bytes` long where that is longer. */
export function talk(options: { seconds: number; everyMs: number; bytes?: number }): string {
  const { seconds, everyMs, bytes = 0 } = options
  return `const { writeSync } = require('node:fs')
const until = Date.now() + ${seconds * 1000}
let number = 0
const say = (stream) => writeSync(stream, \`\${number++} \${Date.now()} \`.padEnd(${bytes - 1}, 'x') + '\\n')
const timer = setInterval(() => {
  say(1)
  say(2)
  if (Date.now() > until) clearInterval(timer)
}, ${everyMs})
`
}

/** Prints so many bytes as fast as they are taken, every sixteenth block on stderr; each block begins with its time. */
export function flood(megabytes: number): string {
  return `const { writeSync } = require('node:fs')
const BLOCK = 64 * 1024
const blocks = ${megabytes} * 16
const filler = Buffer.alloc(BLOCK, 'x'.repeat(127) + '\\n')
for (let number = 0; number < blocks; number++) {
  const block = Buffer.from(filler)
  block.write(\`\${number < 2 ? ${JSON.stringify(FIRST)} : ''}\${number} \${Date.now()} \`)
  if (number >= blocks - 2) block.write(${JSON.stringify(LAST)}, BLOCK - ${LAST.length})
  for (let done = 0; done < BLOCK; ) done += writeSync(number === 1 || number === blocks - 1 || number % 16 === 8 ? 2 : 1, block, done)
}
`
}

/** Has a script of Node approved by this installation's approver; the answer is its name. */
export function approve(vigia: Installation, name: string, body: string): string {
  const file = join(vigia.dataDir, `${name}.js`)
  writeFileSync(file, body)
  const approved = vigia.vigia('approve', file, '--yes')
  if (approved.code !== 0) throw new Error(approved.stderr)
  return name
}
