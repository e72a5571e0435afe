import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import { VigiaError } from '../../contract/errors.ts'

/** A HANDLE of Windows, as koffi gives pointers; null where there is none. */
export type Handle = bigint | null

type Functions = {
  CreateJobObjectW: (attributes: null, name: null) => Handle
  AssignProcessToJobObject: (job: Handle, process: Handle) => number
  SetInformationJobObject: (job: Handle, kind: number, information: Buffer, length: number) => number
  QueryInformationJobObject: (
    job: Handle,
    kind: number,
    information: Buffer,
    length: number,
    got: null,
  ) => number
  GetCurrentProcess: () => Handle
  OpenProcess: (access: number, inherit: number, pid: number) => Handle
  TerminateProcess: (process: Handle, exitCode: number) => number
  GetProcessTimes: (process: Handle, created: Buffer, ended: Buffer, kernel: Buffer, user: Buffer) => number
  K32GetProcessMemoryInfo: (process: Handle, counters: Buffer, length: number) => number
  QueryFullProcessImageNameW: (process: Handle, flags: number, name: Buffer, length: Buffer) => number
  CloseHandle: (handle: Handle) => number
  GetLogicalDrives: () => number
  AttachConsole: (pid: number) => number
  FreeConsole: () => number
  SetConsoleCtrlHandler: (handler: null, add: number) => number
  GenerateConsoleCtrlEvent: (event: number, group: number) => number
}

/** As the headers of the Windows SDK declare them. BOOL is an int: 0 is a failure. */
const PROTOTYPES: Readonly<Record<keyof Functions, string>> = {
  CreateJobObjectW: 'void *__stdcall CreateJobObjectW(void *attributes, str16 name)',
  AssignProcessToJobObject: 'int __stdcall AssignProcessToJobObject(void *job, void *process)',
  SetInformationJobObject:
    'int __stdcall SetInformationJobObject(void *job, int kind, void *information, uint32_t length)',
  QueryInformationJobObject:
    'int __stdcall QueryInformationJobObject(void *job, int kind, void *information, uint32_t length, void *got)',
  GetCurrentProcess: 'void *__stdcall GetCurrentProcess()',
  OpenProcess: 'void *__stdcall OpenProcess(uint32_t access, int inherit, uint32_t pid)',
  TerminateProcess: 'int __stdcall TerminateProcess(void *process, uint32_t exitCode)',
  GetProcessTimes:
    'int __stdcall GetProcessTimes(void *process, void *created, void *ended, void *kernel, void *user)',
  K32GetProcessMemoryInfo:
    'int __stdcall K32GetProcessMemoryInfo(void *process, void *counters, uint32_t length)',
  QueryFullProcessImageNameW:
    'int __stdcall QueryFullProcessImageNameW(void *process, uint32_t flags, void *name, void *length)',
  CloseHandle: 'int __stdcall CloseHandle(void *handle)',
  GetLogicalDrives: 'uint32_t __stdcall GetLogicalDrives()',
  AttachConsole: 'int __stdcall AttachConsole(uint32_t pid)',
  FreeConsole: 'int __stdcall FreeConsole()',
  SetConsoleCtrlHandler: 'int __stdcall SetConsoleCtrlHandler(void *handler, int add)',
  GenerateConsoleCtrlEvent: 'int __stdcall GenerateConsoleCtrlEvent(uint32_t event, uint32_t group)',
}

let loaded: Functions | undefined

/**
 * The calls of Windows that Node does not have, loaded when they are first used. Throws SCRIPT_UNSUPPORTED where they
 * cannot be had.
 */
export function kernel32(): Functions {
  try {
    loaded ??= load()
    return loaded
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new VigiaError('SCRIPT_UNSUPPORTED', `The calls of Windows cannot be made here: ${why}`, {
      cause: thrown,
    })
  }
}

function load(): Functions {
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi
  const library = koffi.load('kernel32.dll')
  const functions: unknown = Object.fromEntries(
    Object.entries(PROTOTYPES).map(([name, prototype]) => [name, library.func(prototype)]),
  )
  return functions as Functions
}

/** PROCESS_TERMINATE and PROCESS_QUERY_LIMITED_INFORMATION of winnt.h. */
export const MAY_TERMINATE = 0x0001
export const MAY_QUERY = 0x1000

/** Does something with a process; undefined where it is gone or may not be opened so. */
export function withProcess<T>(
  pid: number,
  access: typeof MAY_TERMINATE | typeof MAY_QUERY,
  use: (process: Handle) => T,
): T | undefined {
  const api = kernel32()
  const handle = api.OpenProcess(access, 0, pid)
  if (handle === null) return undefined
  try {
    return use(handle)
  } finally {
    api.CloseHandle(handle)
  }
}

/** The letters of the drives that there are. */
export function driveLetters(): string[] {
  const drives = kernel32().GetLogicalDrives()
  return [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].filter((_, at) => (drives & (1 << at)) !== 0)
}

/** When a process was created, in the 100 ns of FILETIME; undefined where that cannot be known. */
export function createdAt(pid: number): bigint | undefined {
  return withProcess(pid, MAY_QUERY, (process) => {
    const [created, ended, kernel, user] = [8, 8, 8, 8].map((length) => Buffer.alloc(length))
    if (!created || !ended || !kernel || !user) return undefined
    const told = kernel32().GetProcessTimes(process, created, ended, kernel, user) !== 0
    return told ? created.readBigUInt64LE() : undefined
  })
}
