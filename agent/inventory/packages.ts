import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { nothing, type InventoryPart, type InventorySample } from './part.ts'
import { runProgram } from './program.ts'

/** A package with an update. */
export type PendingUpdate = { name: string; installed: string; available: string; security: boolean }

const LISTS = '/var/lib/apt/lists'
const STATUS = '/var/lib/dpkg/status'
const DAY_MS = 86_400_000

/** Installed packages as [name, version], from dpkg's status file (deb-status in dpkg(1), RFC 822 paragraphs). */
export function parseDpkgStatus(text: string): [string, string][] {
  return text.split(/\n\n+/).flatMap((paragraph): [string, string][] => {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1]
    const name = field('Package')
    const version = field('Version')
    const installed = field('Status')?.endsWith(' installed') ?? false
    return name !== undefined && version !== undefined && installed ? [[name, version]] : []
  })
}

/** Lines of `apt list --upgradable`: `name/suite[,suite] version arch [upgradable from: version]`. */
export function parseUpgradable(text: string): PendingUpdate[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([^/\s]+)\/(\S+) (\S+) \S+ \[upgradable from: ([^\]]+)\]$/.exec(line)
    const [, name, suites, available, installed] = match ?? []
    if (!name || !suites || !available || !installed) return []
    return [{ name, installed, available, security: /-security\b/.test(suites) }]
  })
}

/**
 * The packages' document and the count of pending updates. The count rests on the package lists as they were last
 * fetched (`listsUpdatedAtMs`); without lists it is unavailable. Nothing is fetched here.
 */
export async function readPackages(timeoutMs: number, nowMs: number): Promise<InventoryPart> {
  const noCount: InventorySample = { metric: 'package.pending_updates_count', labels: {}, value: null }
  let status: string
  let changedAtMs: number
  try {
    status = await readFile(STATUS, 'utf8')
    changedAtMs = (await stat(STATUS)).mtimeMs
  } catch {
    return nothing('packages', 'no dpkg on this system; other package managers are not read', [noCount])
  }
  const installed = parseDpkgStatus(status)
  const lists = await newestList()
  const answer =
    lists === undefined ? undefined : await runProgram('apt', ['list', '--upgradable'], timeoutMs)
  const known = answer?.exitCode === 0
  const pending = known ? parseUpgradable(answer.stdout) : null
  const reason =
    lists === undefined
      ? 'no package lists were fetched yet'
      : (answer?.error ?? answer?.stderr.trim().slice(0, 300) ?? '')
  return {
    kind: 'packages',
    document: {
      manager: 'dpkg',
      count: installed.length,
      pendingCount: pending?.length ?? null,
      securityCount: pending?.filter(({ security }) => security).length ?? null,
      listsUpdatedAtMs: lists ?? null,
      pending,
      installed,
    },
    samples: [
      { ...noCount, value: pending?.length ?? null },
      {
        metric: 'package.security_updates_count',
        labels: {},
        value: pending?.filter(({ security }) => security).length ?? null,
      },
      // dpkg writes its status file at each installation, update and removal, and at nothing else.
      { metric: 'package.last_change_days', labels: {}, value: (nowMs - changedAtMs) / DAY_MS },
      {
        metric: 'package.lists_age_days',
        labels: {},
        value: lists === undefined ? null : (nowMs - lists) / DAY_MS,
      },
    ],
    unavailable: known ? [] : [{ part: 'packages.pending', reason }],
  }
}

/** When the newest package list was written, Unix milliseconds; undefined when there is none. */
async function newestList(): Promise<number | undefined> {
  try {
    const files = (await readdir(LISTS)).filter((name) => /_Packages(?:\.\w+)?$/.test(name))
    const times = await Promise.all(files.map(async (name) => (await stat(join(LISTS, name))).mtimeMs))
    return times.length === 0 ? undefined : Math.round(Math.max(...times))
  } catch {
    return undefined
  }
}
