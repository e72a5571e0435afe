import type { Collector, Labels } from './collector.ts'
import type { Reader } from './source/read.ts'
import { readServiceDefinitions, type ServiceDefinition } from './source/service-definitions.ts'

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
 * here, does not know the unit or has it masked, or when the unit is active in a control group of another name.
 */
export function isUnitUp(reader: Reader, name: string): boolean | undefined {
  if (!reader.exists('/run/systemd/system')) return undefined
  const unit = findUnit(reader, name)
  if (unit === undefined) return undefined
  const populated = isPopulated(reader, unit)
  if (populated === true) return true
  if (reader.link(`/run/systemd/units/invocation:${unit.name}.service`) === undefined) return false
  if (/^\s*(?:Type\s*=\s*oneshot|RemainAfterExit\s*=\s*(?:yes|true|on|1))\s*$/m.test(unit.text)) return true
  return populated
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

type Unit = { name: string; text: string }

/** The unit's own text, or its template's for NAME@INSTANCE. A link to a unit of another name is an alias of that. */
function findUnit(reader: Reader, name: string): Unit | undefined {
  const at = name.indexOf('@')
  const template = at < 0 ? [] : [`${name.slice(0, at + 1)}.service`]
  for (const file of [`${name}.service`, ...template])
    for (const folder of UNIT_FOLDERS) {
      if (!reader.exists(`${folder}/${file}`)) continue
      const target = reader.link(`${folder}/${file}`)
      if (target === '/dev/null') return undefined
      const real = target?.slice(target.lastIndexOf('/') + 1)
      if (real !== undefined && real !== file && real.endsWith('.service') && !real.includes('@')) {
        const original = findUnit(reader, real.slice(0, -'.service'.length))
        if (original !== undefined) return original
      }
      const text = reader.text(`${folder}/${file}`)
      if (text !== undefined) return { name, text }
    }
  return undefined
}

/**
 * Whether the unit's control group holds a process: unified hierarchy, or systemd's own of the older ones. Undefined
 * when there is no such group.
 */
function isPopulated(reader: Reader, unit: Unit): boolean | undefined {
  const path = `${groupOf(unit)}/${unit.name}.service`
  for (const top of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd']) {
    const events = reader.text(`${top}/${path}/cgroup.events`, 256)
    if (events !== undefined) return /^populated 1$/m.test(events)
    const processes = reader.text(`${top}/${path}/cgroup.procs`, 64)
    if (processes !== undefined) return processes.trim() !== ''
  }
  return undefined
}

/** The unit's slice as a path: `a-b.slice` lies in `a.slice` (systemd.slice(5)); instances have one by their template. */
function groupOf({ name, text }: Unit): string {
  const stated = /^\s*Slice\s*=\s*([\w@\\.-]+)\.slice\s*$/m.exec(text)?.[1]
  const at = name.indexOf('@')
  const slice = stated ?? (at < 0 ? 'system' : `system-${name.slice(0, at).replaceAll('-', '\\x2d')}`)
  const parts = slice.split('-')
  return parts.map((_, i) => `${parts.slice(0, i + 1).join('-')}.slice`).join('/')
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
