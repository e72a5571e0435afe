import type { Reader } from './read.ts'

/** What /proc/PID/stat says (proc_pid_stat(5)). Times in clock ticks since the machine started, memory in pages. */
export type ProcessStat = {
  pid: number
  name: string
  state: string
  ticks: number
  startTicks: number
  residentPages: number
}

/** Page size in bytes and clock ticks per second of this machine. */
export type MachineUnits = { pageBytes: number; ticksPerSecond: number }

/** Numbers of the running processes; undefined when /proc cannot be listed. */
export function listProcesses(reader: Reader): string[] | undefined {
  const pids = reader.list('/proc')?.filter((name) => {
    const first = name.charCodeAt(0)
    return first >= 48 && first <= 57
  })
  return pids && pids.length > 0 ? pids : undefined
}

/** Reads one process; undefined when it has ended in between. Its name may hold spaces and brackets. */
export function readProcess(reader: Reader, pid: string): ProcessStat | undefined {
  const text = reader.text(`/proc/${pid}/stat`, 4096)
  if (text === undefined) return undefined
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return undefined
  const fields = text.slice(close + 2).split(' ', 22)
  const at = (field: number): number => Number(fields[field - 3])
  return {
    pid: Number(pid),
    name: text.slice(open + 1, close),
    state: fields[0] ?? '',
    ticks: at(14) + at(15),
    startTicks: at(22),
    residentPages: at(24),
  }
}

/**
 * Page size and ticks per second from the auxiliary vector (getauxval(3)): AT_PAGESZ is 6 and AT_CLKTCK is 17, in
 * pairs of 64-bit words. Linux's usual 4096 and 100 where it cannot be read.
 */
export function readMachineUnits(reader: Reader): MachineUnits {
  const units = { pageBytes: 4096, ticksPerSecond: 100 }
  const vector = reader.bytes('/proc/self/auxv', 0, 1024)
  for (let at = 0; vector && at + 16 <= vector.length; at += 16) {
    const key = Number(vector.readBigUInt64LE(at))
    const value = Number(vector.readBigUInt64LE(at + 8))
    if (key === 6 && value > 0) units.pageBytes = value
    if (key === 17 && value > 0) units.ticksPerSecond = value
  }
  return units
}
