/**
 * Kinds of healthy machines. `work`: CPU percent in the busiest hour; `night`: the same outside the working day.
 * Chances are per hour of the working day. Disk figures are percent of the disk.
 */
export type Kind = {
  name: string
  share: number
  os: 'linux' | 'windows' | 'macos'
  tags: string[]
  work: number
  night: number
  /** Whether it follows office hours; what serves others follows them too, but never rests. */
  office: boolean
  /** Chance that a job begins that keeps every core busy, and its longest time in minutes. */
  burst: { chance: number; minutes: number }
  /** Nightly job from this hour on: its length in minutes, and how busy it keeps disk and CPU (percent). */
  nightly: { hour: number; minutes: number; disk: number; cpu: number } | null
  memory: { base: number; day: number; cache: number }
  /** Percent that temporary files grow by in a day before they are cleared, and what a week's logs take. */
  disk: { temp: number; logs: number; growPerMonth: number; dump: number }
  mounts: number
  disks: number
  services: number
  sleeps: boolean
  battery: boolean
  server: boolean
}

const quiet = { chance: 0.02, minutes: 10 }

/** The fleet of an ordinary client: shares add up to 1. */
export const KINDS: readonly Kind[] = [
  {
    ...{ name: 'workstation', share: 0.4, os: 'windows', tags: ['workstation'], work: 22, night: 2 },
    ...{ office: true, burst: quiet, nightly: null, memory: { base: 35, day: 22, cache: 4 } },
    disk: { temp: 1.2, logs: 0.3, growPerMonth: 1, dump: 0 },
    ...{ mounts: 1, disks: 1, services: 3, sleeps: false, battery: false, server: false },
  },
  {
    ...{
      name: 'developer',
      share: 0.12,
      os: 'linux',
      tags: ['workstation', 'developer'],
      work: 35,
      night: 4,
    },
    ...{ office: true, burst: { chance: 0.35, minutes: 70 }, nightly: null },
    memory: { base: 40, day: 38, cache: 6 },
    disk: { temp: 7, logs: 0.6, growPerMonth: 3, dump: 0 },
    ...{ mounts: 2, disks: 1, services: 4, sleeps: false, battery: false, server: false },
  },
  {
    ...{ name: 'laptop', share: 0.24, os: 'windows', tags: ['laptop'], work: 25, night: 3, office: true },
    ...{ burst: { chance: 0.06, minutes: 25 }, nightly: null, memory: { base: 38, day: 28, cache: 4 } },
    disk: { temp: 1.5, logs: 0.2, growPerMonth: 1.5, dump: 0 },
    ...{ mounts: 1, disks: 1, services: 2, sleeps: true, battery: true, server: false },
  },
  {
    ...{ name: 'server', share: 0.1, os: 'linux', tags: ['server'], work: 40, night: 8, office: false },
    ...{ burst: quiet, nightly: { hour: 2, minutes: 40, disk: 70, cpu: 25 } },
    memory: { base: 45, day: 8, cache: 18 },
    disk: { temp: 0.8, logs: 5, growPerMonth: 1.5, dump: 0 },
    ...{ mounts: 3, disks: 2, services: 6, sleeps: false, battery: false, server: true },
  },
  {
    ...{ name: 'database', share: 0.05, os: 'linux', tags: ['server', 'database'], work: 45, night: 10 },
    ...{ office: false, burst: { chance: 0.1, minutes: 20 } },
    nightly: { hour: 1, minutes: 75, disk: 97, cpu: 45 },
    memory: { base: 84, day: 3, cache: 4 },
    disk: { temp: 1, logs: 8, growPerMonth: 3, dump: 9 },
    ...{ mounts: 3, disks: 2, services: 4, sleeps: false, battery: false, server: true },
  },
  {
    ...{ name: 'file-server', share: 0.05, os: 'windows', tags: ['server', 'files'], work: 25, night: 5 },
    ...{ office: false, burst: quiet, nightly: { hour: 22, minutes: 240, disk: 85, cpu: 20 } },
    memory: { base: 40, day: 6, cache: 25 },
    disk: { temp: 0.5, logs: 1, growPerMonth: 3, dump: 0 },
    ...{ mounts: 2, disks: 3, services: 4, sleeps: false, battery: false, server: true },
  },
  {
    ...{ name: 'vm-host', share: 0.04, os: 'linux', tags: ['server', 'hypervisor'], work: 55, night: 25 },
    ...{ office: false, burst: { chance: 0.1, minutes: 45 } },
    nightly: { hour: 3, minutes: 120, disk: 80, cpu: 20 },
    memory: { base: 82, day: 4, cache: 3 },
    disk: { temp: 0.3, logs: 1, growPerMonth: 2, dump: 4 },
    ...{ mounts: 2, disks: 4, services: 5, sleeps: false, battery: false, server: true },
  },
]
