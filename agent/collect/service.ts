import type { Collector, Labels } from './collector.ts'
import type { Reader } from './read.ts'
import { readServiceDefinitions, type ServiceDefinition } from './service-definitions.ts'

/**
 * Whether each watched service runs: those that the policy names (systemd, else System V pid files) and those that
 * the device defines itself. Nothing is asked of systemd; what it leaves in /run and in its control groups is read.
 * A service that the device does not know is unavailable.
 */
export const service: Collector = {
  name: 'service',
  metrics: ['service.up'],
  create({ reader, policy, dataDir, log }) {
    const labels = new Map<string, Labels>()
    const told = new Set<string>()
    const labelsOf = (name: string): Labels => {
      const known = labels.get(name) ?? { service: name }
      labels.set(name, known)
      return known
    }
    return {
      collect(sink) {
        const { definitions, faults } =
          dataDir === undefined ? { definitions: [], faults: [] } : readServiceDefinitions(dataDir)
        for (const fault of faults) {
          if (told.has(`${fault.file}: ${fault.message}`)) continue
          told.add(`${fault.file}: ${fault.message}`)
          log.warn('service definition is not used', { file: fault.file, fault: fault.message })
        }
        const local = new Map(definitions.map((each) => [each.name, each]))
        for (const name of [...new Set([...local.keys(), ...policy().services])].sort()) {
          const definition = local.get(name)
          const up = definition
            ? isDefinedUp(reader, definition)
            : (isUnitUp(reader, name) ?? isInitScriptUp(reader, name))
          sink.set('service.up', labelsOf(name), up === undefined ? undefined : up ? 1 : 0)
        }
      },
    }
  },
}

function isDefinedUp(reader: Reader, { pidFile, process }: ServiceDefinition): boolean {
  const pid = readPid(reader, pidFile)
  if (pid === undefined || !isAlive(reader, pid)) return false
  return process === undefined || reader.text(`/proc/${pid}/comm`, 64)?.trim() === process.slice(0, 15)
}

/**
 * systemd's view. While a unit is active, systemd keeps the link /run/systemd/units/invocation:UNIT; while it has
 * processes, its control group is populated. An active unit without a process is up only when it is meant to be so
 * (Type=oneshot or RemainAfterExit); otherwise it waits to be started again. Undefined when systemd does not run
 * here or does not know the unit.
 */
export function isUnitUp(reader: Reader, name: string): boolean | undefined {
  if (!reader.exists('/run/systemd/system')) return undefined
  if (isPopulated(reader, name)) return true
  const unit = readUnitFile(reader, name)
  if (unit === undefined) return undefined
  const active = reader.link(`/run/systemd/units/invocation:${name}.service`) !== undefined
  return active && /^\s*(?:Type\s*=\s*oneshot|RemainAfterExit\s*=\s*(?:yes|true|on|1))\s*$/m.test(unit)
}

const UNIT_FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/run/systemd/generator',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
  '/run/systemd/generator.late',
]

/** The unit's own text, or its template's for NAME@INSTANCE. */
function readUnitFile(reader: Reader, name: string): string | undefined {
  const template = name.includes('@') ? [`${name.slice(0, name.indexOf('@') + 1)}.service`] : []
  for (const file of [`${name}.service`, ...template])
    for (const folder of UNIT_FOLDERS) {
      const text = reader.text(`${folder}/${file}`)
      if (text !== undefined) return text
    }
  return undefined
}

/** Whether the unit's control group holds a process: unified hierarchy, or systemd's own of the older ones. */
function isPopulated(reader: Reader, name: string): boolean {
  const slice = name.includes('@')
    ? `system-${name.slice(0, name.indexOf('@')).replaceAll('-', '\\x2d')}.slice/`
    : ''
  const unit = `system.slice/${slice}${name}.service`
  return ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd'].some((top) => {
    const events = reader.text(`${top}/${unit}/cgroup.events`, 256)
    if (events !== undefined) return /^populated 1$/m.test(events)
    return (reader.text(`${top}/${unit}/cgroup.procs`, 64) ?? '').trim() !== ''
  })
}

/**
 * System V: the pid file under /run by the service's name, or the one that its init script states. Undefined when
 * there is neither a pid file nor a script that says where it would be.
 */
export function isInitScriptUp(reader: Reader, name: string): boolean | undefined {
  const script = reader.text(`/etc/init.d/${name}`)
  const stated = script === undefined ? undefined : statedPidFile(script, name)
  const paths = [`/run/${name}.pid`, `/run/${name}/${name}.pid`, ...(stated === undefined ? [] : [stated])]
  const pids = paths.flatMap((path) => readPid(reader, path) ?? [])
  if (pids.length > 0) return pids.some((pid) => isAlive(reader, pid))
  return stated === undefined ? undefined : false
}

/** `# pidfile: PATH` (chkconfig) or `PIDFILE=PATH`, with $NAME and $DAEMON_NAME in it, as Debian's skeleton has them. */
function statedPidFile(script: string, name: string): string | undefined {
  const path = /^\s*(?:#\s*pidfile:\s*|PIDFILE=)["']?([^\s"';]+)/im.exec(script)?.[1]
  const full = path
    ?.replace(/\$\{?(\w+)\}?/g, (whole, variable: string) => {
      const value = new RegExp(`^\\s*${variable}=["']?([\\w.@-]+)["']?\\s*$`, 'm').exec(script)?.[1]
      return value ?? (variable === 'NAME' ? name : whole)
    })
    .replace(/^\/var\/run\//, '/run/')
  return full?.startsWith('/') && !full.includes('$') ? full : undefined
}

function readPid(reader: Reader, path: string): string | undefined {
  return /^\s*(\d{1,10})\b/.exec(reader.text(path, 64) ?? '')?.[1]
}

/** A process that ended and was not collected (state Z or X) does not run. */
function isAlive(reader: Reader, pid: string): boolean {
  const stat = reader.text(`/proc/${pid}/stat`, 1024)
  return stat !== undefined && !/\) [ZX]/.test(stat.slice(stat.lastIndexOf(')')))
}
