import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where an agent or its runner can be made to die, in the order in which a command passes them. */
export const AGENT_FAILPOINTS = [
  'agent-command-received',
  'runner-before-verify',
  'runner-after-verify',
  'runner-started-created',
  'runner-started-written',
  'runner-before-spawn',
  'runner-after-spawn',
  'runner-before-end',
  'runner-after-end',
  'agent-started-told',
  'agent-before-outbox',
  'agent-after-outbox',
  'agent-before-finished',
  'agent-after-finished',
  'agent-before-ack',
  'agent-after-ack',
] as const
export type AgentFailpoint = (typeof AGENT_FAILPOINTS)[number]

/**
 * A place at which a test may end this process as a crash would. It does nothing, and costs a call of an empty
 * function, unless the environment names a folder of a test (VIGIA_TEST_FAILPOINTS) when the process starts: then a
 * file in it with the name of the place ends the first process that comes by. Nothing that comes over the network can
 * set either.
 */
export const failpoint: (name: AgentFailpoint) => void = armed(process.env['VIGIA_TEST_FAILPOINTS'])

function armed(folder: string | undefined): (name: AgentFailpoint) => void {
  if (folder === undefined || folder === '') return () => undefined
  mkdirSync(folder, { recursive: true })
  return (name) => {
    const hit = join(folder, `${name}.hit`)
    try {
      // Only one process can move it.
      renameSync(join(folder, name), hit)
    } catch {
      return
    }
    writeFileSync(hit, String(process.pid))
    process.kill(process.pid, 'SIGKILL')
    // The signal may take a moment; nothing more may happen in it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000)
  }
}
