import { VigiaError } from '../../contract/errors.ts'
import { kernel32, MAY_QUERY, MAY_TERMINATE, withProcess, type Handle } from './kernel32.ts'

/** A process inside, and the kilobytes of its working set that are its own alone, at most. */
export type Inside = { pid: number; residentKb: number }

/**
 * What holds everything that this process starts together: whatever a child starts is inside too, also when it sheds
 * its parents, and nothing may break away. See "Job Objects" in Microsoft's documentation of processes and threads.
 */
export type JobObject = {
  /** The live processes inside, without this one and without the hosts of their consoles. */
  processes(): Inside[]
  /** Windows starts no more than so many, beside this one. */
  limitProcesses(most: number): void
  /** Ends all of them by force. Nothing can be started inside after that. */
  kill(): void
  /** Lets them live on: their limits end, and so does their end with this process. */
  free(): void
}

const BASIC_PROCESS_ID_LIST = 3
const EXTENDED_LIMIT_INFORMATION = 9
const LIMIT_ACTIVE_PROCESS = 0x0008
const LIMIT_KILL_ON_JOB_CLOSE = 0x2000
/** JOBOBJECT_EXTENDED_LIMIT_INFORMATION where pointers have 64 bits: LimitFlags at 16, ActiveProcessLimit at 40. */
const LIMITS_BYTES = 144
const FLAGS_AT = 16
const PROCESSES_AT = 40
/** JOBOBJECT_BASIC_PROCESS_ID_LIST: two counts, then numbers of 64 bits. */
const LIST_HEAD_BYTES = 8
const MOST_LISTED = 4096
/** PROCESS_MEMORY_COUNTERS: WorkingSetSize at 16, PagefileUsage, which is what is its own alone, at 56. */
const COUNTERS_BYTES = 72
const WORKING_SET_AT = 16
const PAGEFILE_USAGE_AT = 56
const CONSOLE_HOST = /[\\/]conhost\.exe$/i
const KILL_ROUNDS = 10
/** As taskkill ends a process. */
const KILLED_EXIT = 1

let own: JobObject | undefined

/**
 * The job object of this process, entered at the first call, which must come before this process starts anything: Node
 * puts itself into one of its own then, and what lies inside that ends with this process whatever is said here. When
 * this process ends, however that happens, Windows ends everything inside, unless it was let go. Throws
 * SCRIPT_UNSUPPORTED.
 */
export function ownJobObject(): JobObject {
  own ??= enterJobObject()
  return own
}

function enterJobObject(): JobObject {
  const api = kernel32()
  const job = api.CreateJobObjectW(null, null)
  const entered =
    job !== null &&
    limit(job, LIMIT_KILL_ON_JOB_CLOSE) &&
    api.AssignProcessToJobObject(job, api.GetCurrentProcess()) !== 0
  if (!entered)
    throw new VigiaError(
      'SCRIPT_UNSUPPORTED',
      'Windows does not let the processes of a script be held together',
    )
  return {
    limitProcesses: (most) => void limit(job, LIMIT_KILL_ON_JOB_CLOSE | LIMIT_ACTIVE_PROCESS, most + 1),
    processes: () => pidsIn(job).flatMap(lookAt),
    kill() {
      // First nothing more may be born: what starts processes faster than they are ended would get away.
      limit(job, LIMIT_KILL_ON_JOB_CLOSE | LIMIT_ACTIVE_PROCESS, 1)
      for (let round = 0; round < KILL_ROUNDS; round++) {
        const pids = pidsIn(job)
        if (pids.length === 0) return
        for (const pid of pids)
          withProcess(pid, MAY_TERMINATE, (process) => api.TerminateProcess(process, KILLED_EXIT))
      }
    },
    free: () => void limit(job, 0),
  }
}

function limit(job: Handle, flags: number, processes = 0): boolean {
  const information = Buffer.alloc(LIMITS_BYTES)
  information.writeUInt32LE(flags, FLAGS_AT)
  information.writeUInt32LE(processes, PROCESSES_AT)
  return kernel32().SetInformationJobObject(job, EXTENDED_LIMIT_INFORMATION, information, LIMITS_BYTES) !== 0
}

function pidsIn(job: Handle): number[] {
  const list = Buffer.alloc(LIST_HEAD_BYTES + 8 * MOST_LISTED)
  // Where there are more it fails with ERROR_MORE_DATA, and those that have room are listed all the same.
  kernel32().QueryInformationJobObject(job, BASIC_PROCESS_ID_LIST, list, list.length, null)
  const listed = Math.min(list.readUInt32LE(4), MOST_LISTED)
  const pids = Array.from({ length: listed }, (_, at) =>
    Number(list.readBigUInt64LE(LIST_HEAD_BYTES + 8 * at)),
  )
  return pids.filter((pid) => pid !== process.pid)
}

function lookAt(pid: number): Inside[] {
  const seen = withProcess(pid, MAY_QUERY, (handle) => {
    const api = kernel32()
    const [name, length] = [Buffer.alloc(2 * 1024), Buffer.alloc(4)]
    length.writeUInt32LE(1024)
    if (api.QueryFullProcessImageNameW(handle, 0, name, length) !== 0)
      if (CONSOLE_HOST.test(name.toString('utf16le', 0, 2 * length.readUInt32LE()))) return []
    const counters = Buffer.alloc(COUNTERS_BYTES)
    api.K32GetProcessMemoryInfo(handle, counters, COUNTERS_BYTES)
    const kb = (at: number): number => Number(counters.readBigUInt64LE(at) / 1024n)
    return [{ pid, residentKb: Math.min(kb(WORKING_SET_AT), kb(PAGEFILE_USAGE_AT)) }]
  })
  return seen ?? []
}
