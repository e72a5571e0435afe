import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VigiaError } from '../../contract/errors.ts'
import type { Context } from '../command.ts'
import { createFollower, findIncident, followMended, followTicket } from './follow.ts'
import { findSite, inLab, waitForSeries, type LabSite } from './site.ts'

const SIZE_MIB = 64
const BASE_PERCENT = 42
const PERCENT_PER_S = 1.2
const TICK_MS = 250
const OLD_MS = 8 * 86_400_000
const PREFIX = 'vigia-lab-disk-'

/**
 * Fills a small disk of its own (tmpfs, 64 MiB; needs root) at a steady rate. By default with old temporary files,
 * which the remedy clears; with `unfixable` with data that no remedy may touch, so that one ticket comes of it.
 */
export async function labDiskFill(context: Context, unfixable: boolean): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new VigiaError(
      'LAB_UNAVAILABLE',
      'disk-fill mounts a small disk in memory, which needs root. Without root: vigia lab service-crash.',
    )
  const site = findSite(context.dataDir)
  const mount = mountDisk(context.dataDir)
  const label: [string, string] = ['mount', mount]
  const follower = createFollower(context.out)
  let filling: NodeJS.Timeout | undefined
  let keep = false
  try {
    mkdirSync(join(mount, 'tmp'))
    writeFileSync(join(mount, 'base.bin'), Buffer.alloc((SIZE_MIB * 1024 * 1024 * BASE_PERCENT) / 100))
    const lab = {
      collectorIntervalS: { disk: 1 },
      includeMounts: [mount],
      reason: `vigia lab disk-fill${unfixable ? ' --unfixable' : ''}`,
    }
    await inLab(context, site, lab, async () => {
      await waitForSeries(context, follower, site, 'disk.used_percent', label, () => true)
      follower.note(`disk ${mount} (${SIZE_MIB} MiB) is watched, ${usedPercent(mount).toFixed(0)} % used`)
      const sinceMs = Date.now()
      filling = startFilling(mount, unfixable ? 'data' : 'tmp')
      follower.note(
        `fault: ${unfixable ? 'data' : 'old temporary files'} at ${PERCENT_PER_S} % of the disk each second`,
      )
      const find = () => findIncident(context.server, site.device, label, sinceMs)
      if (unfixable) {
        const found = await followTicket(context.server, follower, find)
        keep = true
        fillUp(mount)
        await watchMounts(context, site, labMounts(context.dataDir))
        context.out.print(
          { lab: 'disk-fill', unfixable, mount, device: site.device, steps: follower.steps, ...found },
          () => [
            `Ticket V-${found.ticket.number} stands with its cause, values, forecast and what was tried. See it in the console, or: vigia ticket ${found.ticket.id}`,
            'The disk stays full, so the ticket stays open. "vigia lab clean" empties it: the ticket then closes by itself.',
          ],
        )
        return
      }
      const stopFilling = async () => {
        const incident = await find()
        if (incident) clearInterval(filling)
        return incident
      }
      const found = await followMended(context.server, follower, stopFilling)
      follower.note(`disk ${mount} is at ${usedPercent(mount).toFixed(0)} %`)
      context.out.print(
        { lab: 'disk-fill', unfixable, mount, device: site.device, steps: follower.steps, ...found },
        () =>
          `Foreseen, mended and verified in ${follower.steps.at(-1)?.seconds ?? 0} s. See it in the console, or: vigia incident ${found.incident.id}`,
      )
    })
  } finally {
    clearInterval(filling)
    if (!keep) unmountDisk(mount)
  }
}

/** Empties and takes away every disk that labs left, and sees their tickets close. */
export async function labClean(context: Context): Promise<void> {
  const site = findSite(context.dataDir)
  const mounts = labMounts(context.dataDir)
  const follower = createFollower(context.out)
  if (mounts.length > 0) {
    await inLab(
      context,
      site,
      { collectorIntervalS: { disk: 1 }, includeMounts: mounts, reason: 'vigia lab clean' },
      async () => {
        for (const mount of mounts) {
          for (const name of readdirSync(mount)) rmSync(join(mount, name), { recursive: true })
          follower.note(`disk ${mount} emptied`)
          await follower.until('The recovery', 45, async () => {
            const incident = await findIncident(context.server, site.device, ['mount', mount], 0)
            return incident === undefined || incident.state === 'resolved' ? true : undefined
          })
          follower.note('incident resolved by its rule')
        }
      },
    )
    for (const mount of mounts) unmountDisk(mount)
    await watchMounts(context, site, [])
  }
  context.out.print({ lab: 'clean', mounts, steps: follower.steps }, () =>
    mounts.length === 0 ? 'No lab disk is left.' : `${mounts.length} lab disk(s) emptied and taken away.`,
  )
}

/** Leaves the lab's own disks under watch, or takes them off again; what others had the device watch stays. */
async function watchMounts(context: Context, site: LabSite, mounts: readonly string[]): Promise<void> {
  const params = { device: site.device }
  const { policy } = await context.server.call('device', { params })
  const others = policy.includeMounts.filter((mount) => !mount.includes(PREFIX))
  await context.server.call('setPolicy', { params, body: { includeMounts: [...others, ...mounts] } })
}

function startFilling(mount: string, folder: 'tmp' | 'data'): NodeJS.Timeout {
  mkdirSync(join(mount, folder), { recursive: true })
  const chunk = Buffer.alloc(Math.round((SIZE_MIB * 1024 * 1024 * PERCENT_PER_S * TICK_MS) / 100_000))
  let count = 0
  return setInterval(() => {
    if (usedPercent(mount) > 98.5) return
    const file = join(mount, folder, `fill-${String(Math.floor(count++ / 4)).padStart(4, '0')}.bin`)
    appendFileSync(file, chunk)
    const old = new Date(Date.now() - OLD_MS)
    utimesSync(file, old, old)
  }, TICK_MS)
}

function fillUp(mount: string): void {
  try {
    const block = Buffer.alloc(64 * 1024)
    for (;;) appendFileSync(join(mount, 'data', 'rest.bin'), block)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
}

/** Marks a lab's disk in the table of mounts as belonging to one installation, so that another's stay. */
function sourceOf(dataDir: string): string {
  return `vigia-lab-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`
}

function mountDisk(dataDir: string): string {
  const mount = mkdtempSync(join(tmpdir(), PREFIX))
  const run = spawnSync(
    'mount',
    ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m,mode=0755`, sourceOf(dataDir), mount],
    {
      encoding: 'utf8',
    },
  )
  if (run.status === 0) return mount
  rmSync(mount, { recursive: true })
  throw new VigiaError(
    'LAB_UNAVAILABLE',
    `Cannot mount a small disk in memory: ${run.stderr.trim() || String(run.error)}`,
  )
}

function unmountDisk(mount: string): void {
  const run = spawnSync('umount', ['--lazy', mount], { encoding: 'utf8' })
  if (run.status !== 0) throw new VigiaError('LAB_FAILED', `Cannot unmount ${mount}: ${run.stderr.trim()}`)
  rmSync(mount, { recursive: true, force: true })
}

function labMounts(dataDir: string): string[] {
  if (!existsSync('/proc/self/mounts')) return []
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith(`${sourceOf(dataDir)} `) ? [line.split(' ')[1] ?? ''] : []))
    .filter((path) => path.includes(PREFIX))
}

function usedPercent(mount: string): number {
  const stat = statfsSync(mount)
  return 100 * (1 - stat.bavail / stat.blocks)
}
