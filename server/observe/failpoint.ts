import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where a server can be made to die, in the order in which a job passes them. */
export const SERVER_FAILPOINTS = [
  'server-job-inserted',
  'server-sent-written',
  'server-sent-committed',
  'server-handed-over',
  'server-result-received',
  'server-result-applied',
  'server-result-committed',
  'server-before-ack',
  'server-after-ack',
] as const
export type ServerFailpoint = (typeof SERVER_FAILPOINTS)[number]

/**
 * A place at which a test may end the server as a crash would. It does nothing, and costs a call of an empty function,
 * unless the environment names a folder of a test (VIGIA_TEST_FAILPOINTS) when the server starts: then a file in it with
 * the name of the place ends the first process that comes by. Nothing that comes over the network can set either.
 */
export const failpoint: (name: ServerFailpoint) => void = armed(process.env['VIGIA_TEST_FAILPOINTS'])

function armed(folder: string | undefined): (name: ServerFailpoint) => void {
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
