import { createInstallation, type Installation } from '../installation.ts'
import { createWindowsMachine, type WindowsMachine, type WindowsProcess } from './wine.ts'

/** A server of this machine, and a Windows that is enrolled with it as its only device. */
export type WindowsSite = {
  readonly vigia: Installation
  readonly machine: WindowsMachine
  readonly device: string
  /** Starts the agent of that Windows; it lies in `C:\vigia\agent`. */
  startAgent(): WindowsProcess
  /** What a start of the agent runs. */
  readonly agent: readonly [file: string, ...args: string[]]
  remove(): Promise<void>
}

/** Starts the server, makes the Windows and enrols it: takes some fifteen seconds. No agent runs yet. */
export async function createWindowsSite(wine: string): Promise<WindowsSite> {
  const vigia = await createInstallation({ args: ['--no-agent'] })
  const started = vigia.start()
  const machine = createWindowsMachine(wine)
  const remove = async (): Promise<void> => {
    machine.remove()
    await vigia.remove()
  }
  try {
    await started
    await vigia.server.call('createClient', { body: { id: 'demo', name: 'Demo' } })
    const { token } = await vigia.server.call('createEnrolToken', { body: { client: 'demo' } })
    const words = ['--data', 'C:\\vigia', '--url', vigia.url, '--token', token]
    const enrol = machine.run('cli/main.ts', 'agent', 'enrol', ...words)
    const device = /d-[a-z0-9]+/.exec(enrol.stdout)?.[0]
    if (enrol.code !== 0 || device === undefined) throw new Error(enrol.stderr)
    const agent = ['agent/main.ts', '--data', 'C:\\vigia\\agent'] as const
    return { vigia, machine, device, agent, remove, startAgent: () => machine.start(...agent) }
  } catch (thrown) {
    await remove()
    throw thrown
  }
}
