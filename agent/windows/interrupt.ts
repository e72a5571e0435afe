import { kernel32 } from './kernel32.ts'

const CTRL_C_EVENT = 0
/** How long the event may take to reach everybody before this process hears Ctrl-C again. */
const REACH_MS = 500

/**
 * Children that are started after this hear Ctrl-C: a process that began in a group of its own does not, and its
 * children inherit that (CreateProcess, CREATE_NEW_PROCESS_GROUP).
 */
export function letChildrenHearCtrlC(): void {
  kernel32().SetConsoleCtrlHandler(null, 0)
}

/**
 * Asks everything at the console of a process to end, as Ctrl-C does. This process must have no console of its own.
 * Answers false where that one has no console, or is gone.
 */
export function pressCtrlC(pid: number): boolean {
  const api = kernel32()
  if (api.AttachConsole(pid) === 0) return false
  // It is meant for the others there.
  api.SetConsoleCtrlHandler(null, 1)
  const sent = api.GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) !== 0
  setTimeout(() => api.FreeConsole(), REACH_MS).unref()
  return sent
}
