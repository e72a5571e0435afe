import { agentSelf } from './agent-self.ts'
import { certificate } from './certificate.ts'
import { clock } from './clock.ts'
import type { Collector } from './collector.ts'
import { cpu } from './cpu.ts'
import { diskIo } from './disk-io.ts'
import { disk } from './disk.ts'
import { failedUnit } from './failed-unit.ts'
import { load } from './load.ts'
import { login } from './login.ts'
import { memory } from './memory.ts'
import { network } from './network.ts'
import { pendingReboot } from './pending-reboot.ts'
import { port } from './port.ts'
import { pressure } from './pressure.ts'
import { processTop } from './process-top.ts'
import { processes } from './process.ts'
import { service } from './service.ts'
import { session } from './session.ts'
import { swap } from './swap.ts'
import { temperature } from './temperature.ts'
import { uptime } from './uptime.ts'

/** Every collector, in the order of a report. */
export const allCollectors: readonly Collector[] = [
  cpu,
  memory,
  swap,
  pressure,
  load,
  disk,
  diskIo,
  network,
  service,
  uptime,
  agentSelf,
  processes,
  temperature,
  session,
  port,
  login,
  failedUnit,
  processTop,
  pendingReboot,
  clock,
  certificate,
]
