import { describe, expect, it } from 'vitest'
import { disk } from '../../../agent/collect/disk.ts'
import { parseMountinfo, watchedMounts } from '../../../agent/collect/source/mounts.ts'
import { machine, POLICY, watch } from './machine.ts'

const EXT4 = { bsize: 4096, blocks: 1000, bfree: 300, bavail: 200, files: 500, ffree: 400 }

describe('disk', () => {
  it('counts as df does: what root keeps for itself is neither used nor free', async () => {
    const read = await watch(machine('debian-12-vm'), [disk], { statfs: () => EXT4 }).run()
    expect(read).toEqual({
      'disk.used_percent{fs="ext4",mount="/"}': expect.closeTo((100 * 700) / 900, 9),
      'disk.free_bytes{fs="ext4",mount="/"}': 200 * 4096,
      'disk.total_bytes{fs="ext4",mount="/"}': 1000 * 4096,
      'disk.inodes_used_percent{fs="ext4",mount="/"}': 20,
      'disk.readonly{fs="ext4",mount="/"}': 0,
    })
  })

  it('watches each real file system once, and no image, snap, container or network share', async () => {
    const laptop = machine('ubuntu-24.04-laptop')
    const read = await watch(laptop, [disk], {
      statfs: (path) => (path.endsWith('/boot/efi') ? { ...EXT4, files: 0, ffree: 0 } : EXT4),
    }).run()
    const mounts = Object.keys(read)
      .filter((key) => key.startsWith('disk.readonly'))
      .map((key) => `${/mount="([^"]+)"/.exec(key)![1]!} ${String(read[key])}`)
    expect(mounts).toEqual(['/ 0', '/boot/efi 0', '/media/ana/USB Stick 1', '/srv/data 0', '/srv/old 1'])
    expect(read['disk.inodes_used_percent{fs="vfat",mount="/boot/efi"}']).toBeNull()
  })

  it('takes in a mount that the policy names, when it comes and goes, with a new layout each time', async () => {
    const laptop = machine('ubuntu-24.04-laptop')
    const watched = watch(laptop, [disk], {
      policy: { ...POLICY, includeMounts: ['/tmp/lab', '/not/there'] },
      statfs: () => EXT4,
    })
    const read = await watched.run(0)
    expect(read['disk.free_bytes{fs="tmpfs",mount="/tmp/lab"}']).toBe(200 * 4096)
    expect((await watched.cycle.run(0, 30)).changed).toBe(false)
    watched.cycle.setPolicy({ ...POLICY, includeMounts: [] })
    const without = await watched.cycle.run(0, 30)
    expect(without.changed).toBe(true)
    expect(without.series.some(({ labels }) => labels['mount'] === '/tmp/lab')).toBe(false)
  })

  it('is unavailable where the file system does not answer, and has no series without the list of mounts', async () => {
    const read = await watch(machine('debian-12-vm'), [disk]).run()
    expect(read['disk.used_percent{fs="ext4",mount="/"}']).toBeNull()
    expect(read['disk.free_bytes{fs="ext4",mount="/"}']).toBeNull()
    expect(await watch(machine(), [disk]).run()).toEqual({})
  })

  it('asks the real file system of this machine', async () => {
    const watched = watch({ ...machine(), root: '/' }, [disk])
    const asked = watch({ ...machine(), root: '/' }, [disk], {
      statfs: (await import('../../../agent/collect/source/read.ts')).statFileSystem,
    })
    expect(Object.keys(await watched.run())).toEqual(Object.keys(await asked.run()))
    const total = Object.entries(await asked.run()).find(
      ([key]) => key.startsWith('disk.total_bytes') && key.includes('mount="/"'),
    )
    expect(total![1]).toBeGreaterThan(1_000_000)
  })

  it('leaves out lines that are no mounts', () => {
    expect(parseMountinfo('nonsense\n\n1 2 3 - x\n')).toEqual([])
    expect(watchedMounts([], ['/a'])).toEqual([])
  })
})
