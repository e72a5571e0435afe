import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TrustRoot } from '../../contract/trust/root.ts'
import type { DevicePolicy } from '../../contract/down.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { agentPaths } from '../../agent/paths.ts'
import type { StubServer } from './stub-server.ts'

const MAIN = join(import.meta.dirname, '../../agent/main.ts')

/** Writes the data directory of a device as enrolment would. */
export async function prepareAgent(options: {
  dataDir: string
  stub: StubServer
  address: DeviceAddress
  trust: TrustRoot
  policy?: DevicePolicy
}): Promise<void> {
  const { dataDir, stub, address, trust, policy } = options
  const paths = agentPaths(dataDir)
  const { key, cert } = await stub.device(address)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  writeFileSync(paths.key, key, { mode: 0o600 })
  writeFileSync(paths.certificate, cert)
  writeFileSync(paths.trust, JSON.stringify({ ...trust, caPem: stub.authority.caPem }))
  if (policy) writeFileSync(paths.policy, JSON.stringify(policy))
  writeFileSync(
    paths.config,
    JSON.stringify({ serverUrl: 'http://127.0.0.1:1', mqttUrl: stub.url, ...address }),
  )
}

/** Starts the agent as its owner would; `stderr` collects what it logs. */
export function startAgentProcess(
  dataDir: string,
  env: NodeJS.ProcessEnv = {},
): {
  child: ChildProcess
  stderr: () => string
  exited: Promise<{ code: number | null; signal: string | null }>
} {
  // A home of its own: a shell of the agent reads no start files of whoever runs the tests.
  const child = spawn(process.execPath, [MAIN, '--data', dataDir], {
    env: { ...process.env, HOME: dataDir, ...env },
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text += part))
  const exited = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }))
  return { child, stderr: () => text, exited }
}
