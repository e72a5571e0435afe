import { readFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import * as si from 'systeminformation'
import type { FactKind } from '../../contract/report.ts'
import { batteryPart } from './battery.ts'
import { hardwarePart } from './hardware.ts'
import { osPart } from './os.ts'
import { readPackages } from './packages.ts'
import { nothing, type InventoryPart } from './part.ts'
import { readSmart } from './smart.ts'
import { usersPart } from './users.ts'
import { ownJobObject } from '../windows/job-object.ts'

/**
 * The program of the inventory's child process: reads one part after the other and writes each as one line of JSON,
 * so that what was read stands even when the time runs out. It ends by itself when its parent is gone.
 */
const PROGRAM_MS = 30_000

const parts: readonly { kind: FactKind; read: () => Promise<InventoryPart> }[] = [
  {
    kind: 'os',
    read: async () => osPart(await si.osInfo(), Intl.DateTimeFormat().resolvedOptions().timeZone),
  },
  { kind: 'hardware', read: async () => hardwarePart(await askHardware()) },
  { kind: 'battery', read: async () => batteryPart(await si.battery()) },
  {
    kind: 'users',
    read: async () =>
      usersPart(await readText('/etc/passwd'), await readText('/etc/group'), await si.users()),
  },
  { kind: 'smart', read: () => readSmart(PROGRAM_MS) },
  { kind: 'packages', read: () => readPackages(PROGRAM_MS, Date.now()) },
]

if (process.platform === 'win32')
  try {
    ownJobObject()
  } catch {
    // What it starts may then outlive it; what it tells is worth that.
  }
setPriority(10)
process.stdin.once('end', () => process.exit(1)).resume()
for (const { kind, read } of parts) {
  let part: InventoryPart
  try {
    part = await read()
  } catch (thrown) {
    part = nothing(kind, thrown instanceof Error ? thrown.message : String(thrown))
  }
  await new Promise<void>((resolve, reject) =>
    process.stdout.write(`${JSON.stringify(part)}\n`, (error) => (error ? reject(error) : resolve())),
  )
}
process.exit(0)

async function askHardware(): Promise<Parameters<typeof hardwarePart>[0]> {
  return {
    system: await si.system(),
    bios: await si.bios(),
    baseboard: await si.baseboard(),
    chassis: await si.chassis(),
    cpu: await si.cpu(),
    memory: await si.mem(),
    modules: await si.memLayout(),
    disks: await si.diskLayout(),
    blocks: await si.blockDevices(),
    graphics: await si.graphics(),
    networks: [await si.networkInterfaces()].flat(),
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
