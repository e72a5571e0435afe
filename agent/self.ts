import { existsSync, readFileSync } from 'node:fs'
import { hostname, release, type, uptime } from 'node:os'
import type { Self } from './link/link.ts'
import { thisSystem } from './act/system.ts'

/** What the agent says of itself at the beginning of each session. */
export function describeSelf(options: {
  killSwitch: string
  trust: string
  version: string
  now: () => number
  commandSequence: number
  sealKey: string
}): Self {
  return {
    agentVersion: options.version,
    hostname: hostname(),
    os: thisSystem(),
    osName: osName(),
    arch: process.arch,
    bootTimeMs: Math.max(0, Math.round(options.now() - uptime() * 1000)),
    commandSequence: options.commandSequence,
    trustVersion: trustVersion(options.trust),
    commandsEnabled: !existsSync(options.killSwitch),
    sealKey: options.sealKey,
    abilities: ['remote'],
  }
}

/** The version of this package. */
export function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const found: unknown = JSON.parse(text)
  return typeof found === 'object' && found !== null && 'version' in found ? String(found.version) : '0'
}

function trustVersion(trustText: string): number {
  const found: unknown = JSON.parse(trustText)
  return typeof found === 'object' && found !== null && 'version' in found ? Number(found.version) : 0
}

/** PRETTY_NAME of os-release(5) where there is one, the kernel's name otherwise. */
function osName(): string {
  const path = '/etc/os-release'
  const pretty = existsSync(path)
    ? /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync(path, 'utf8'))?.[1]
    : undefined
  return (pretty ?? `${type()} ${release()}`).slice(0, 120)
}
