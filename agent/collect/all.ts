import { administrator } from './administrator.ts'
import { agentSelf } from './agent-self.ts'
import { antivirus } from './antivirus.ts'
import { backup } from './backup.ts'
import { certificate } from './certificate.ts'
import { change } from './change.ts'
import { clock } from './clock.ts'
import type { Collector } from './collector.ts'
import { cpu } from './cpu.ts'
import { crash } from './crash.ts'
import { diskIo } from './disk-io.ts'
import { disk } from './disk.ts'
import { dns } from './dns.ts'
import { ecc } from './ecc.ts'
import { encryption } from './encryption.ts'
import { failedUnit } from './failed-unit.ts'
import { firewall } from './firewall.ts'
import { lifecycle } from './lifecycle.ts'
import { load } from './load.ts'
import { login } from './login.ts'
import { memory } from './memory.ts'
import { network } from './network.ts'
import { pendingReboot } from './pending-reboot.ts'
import { port } from './port.ts'
import { pressure } from './pressure.ts'
import { printQueue } from './print-queue.ts'
import { processTop } from './process-top.ts'
import { processes } from './process.ts'
import { raid } from './raid.ts'
import { reach } from './reach.ts'
import { scheduledTask } from './scheduled-task.ts'
import { service } from './service.ts'
import { session } from './session.ts'
import { swap } from './swap.ts'
import { temperature } from './temperature.ts'
import { ups } from './ups.ts'
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
  raid,
  ecc,
  ups,
  reach,
  dns,
  printQueue,
  administrator,
  scheduledTask,
  crash,
  antivirus,
  firewall,
  encryption,
  backup,
  lifecycle,
  change,
]
