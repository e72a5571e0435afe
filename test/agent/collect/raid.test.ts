import { describe, expect, it } from 'vitest'
import { parseMdstat, raid } from '../../../agent/collect/raid.ts'
import { machine, watch } from './machine.ts'

// In the words of drivers/md/md.c: a healthy mirror, a mirror with a failed member, and a raid5 that rebuilds.
const MDSTAT = `Personalities : [raid1] [raid6] [raid5] [raid4] [raid0]
md0 : active raid1 sdb1[1] sda1[0]
      976630464 blocks super 1.2 [2/2] [UU]
      bitmap: 2/8 pages [8KB], 65536KB chunk

md1 : active raid1 sdb2[1](F) sda2[0]
      209584128 blocks super 1.2 [2/1] [U_]

md127 : active raid5 sdd1[4] sdc1[2] sda3[0] sdb3[1](S)
      1953260544 blocks super 1.2 level 5, 512k chunk, algorithm 2 [4/3] [UU_U]
      [===>.................]  recovery = 18.2% (118694400/651086848) finish=79.1min speed=112100K/sec

md5 : active raid0 sde1[1] sdf1[0]
      1953260544 blocks super 1.2 512k chunks

md9 : inactive sdg1[0](S)
      976630464 blocks super 1.2

unused devices: <none>
`

describe('raid', () => {
  it('counts failed and missing members and says which arrays have lost their redundancy', () => {
    expect(parseMdstat(MDSTAT)).toEqual([
      { name: 'md0', failed: 0, degraded: false },
      { name: 'md1', failed: 1, degraded: true },
      { name: 'md127', failed: 1, degraded: true },
      { name: 'md5', failed: 0, degraded: false },
      { name: 'md9', failed: 0, degraded: true },
    ])
  })

  it('reports arrays and pools, and nothing where there are none', async () => {
    const vm = machine()
    const watched = watch(vm, [raid])
    expect(await watched.run()).toEqual({})
    vm.write('proc/mdstat', 'Personalities : \nunused devices: <none>\n')
    expect(await watched.run(60)).toEqual({})
    vm.write('proc/mdstat', MDSTAT.slice(0, MDSTAT.indexOf('md127')))
    vm.write('proc/spl/kstat/zfs/tank/state', 'DEGRADED\n')
    vm.write('proc/spl/kstat/zfs/rpool/state', 'ONLINE\n')
    vm.write('proc/spl/kstat/zfs/odd/state', 'WHO KNOWS\n')
    vm.write('proc/spl/kstat/zfs/dbgmsg', '')
    expect(await watched.run(120)).toEqual({
      'raid.failed_members_count{array="md0"}': 0,
      'raid.degraded{array="md0"}': 0,
      'raid.failed_members_count{array="md1"}': 1,
      'raid.degraded{array="md1"}': 1,
      'raid.degraded{array="tank"}': 1,
      'raid.degraded{array="rpool"}': 0,
      'raid.degraded{array="odd"}': null,
    })
  })
})
