import { letChildrenHearCtrlC, pressCtrlC } from '../../windows/interrupt.ts'
import { ownJobObject } from '../../windows/job-object.ts'
import type { Tree } from './shape.ts'
import { freed, sum } from './member.ts'

/** More processes than a script may have: those that Windows itself keeps for it, and room for one look to find them. */
const SPARE_PROCESSES = 32

/** Windows: what lies inside the job object of this process. */
export function windowsTree(mostProcesses: number): (leader: number) => Tree {
  const inside = ownJobObject()
  inside.limitProcesses(mostProcesses + SPARE_PROCESSES)
  letChildrenHearCtrlC()
  return (leader) => ({
    members: () => inside.processes(),
    residentKb: sum,
    terminate: () => void pressCtrlC(leader),
    kill: () => inside.kill(),
    free(members) {
      inside.free()
      for (const { pid } of members) freed(pid)
    },
  })
}
