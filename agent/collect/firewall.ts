import { NO_LABELS, type Collector } from './collector.ts'

const ANSWER_MS = 10_000

/**
 * Whether a host firewall filters what comes in. Linux: the kernel's own rules as `nft list ruleset` or
 * `iptables-save` tell them (one short program in 15 minutes; both need the rights of root); macOS: the application
 * firewall's global state; Windows: every profile is on. Unavailable where none can be asked.
 */
export const firewall: Collector = {
  name: 'firewall',
  intervalS: 900,
  metrics: ['firewall.enabled'],
  create({ program, platform, windows }) {
    let enabled: boolean | undefined
    const asked = async <T>(
      file: string,
      args: string[],
      parse: (text: string) => T,
    ): Promise<T | undefined> => {
      const { exitCode, stdout } = await program(file, args, ANSWER_MS)
      return exitCode === 0 ? parse(stdout) : undefined
    }
    return {
      async prepare() {
        if (platform === 'win32') enabled = (await windows())?.firewallEnabled
        else if (platform === 'darwin')
          enabled = await asked(
            '/usr/libexec/ApplicationFirewall/socketfilterfw',
            ['--getglobalstate'],
            parseSocketFilter,
          )
        else {
          const nft = await asked('nft', ['list', 'ruleset'], parseNftRuleset)
          // iptables of the old kind does not show in nft's list.
          enabled = nft === true ? true : ((await asked('iptables-save', [], parseIptables)) ?? nft)
        }
      },
      collect: (sink) =>
        sink.set('firewall.enabled', NO_LABELS, enabled === undefined ? undefined : Number(enabled)),
    }
  },
}

/**
 * Parses `nft list ruleset` (nft(8)): true when a base chain of hook input drops by policy, or it or a chain that it
 * jumps to without condition drops or rejects without condition. Rules for single addresses (as fail2ban's) are no
 * firewall.
 */
export function parseNftRuleset(text: string): boolean {
  const chains = new Map<string, string[]>()
  let table = ''
  let chain: string[] | undefined
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    const opened = /^(table|chain) (.+) \{$/.exec(line)
    if (opened?.[1] === 'table') table = opened[2] ?? ''
    else if (opened?.[1] === 'chain') chains.set(`${table} ${opened[2] ?? ''}`, (chain = []))
    else if (line === '}') chain = undefined
    else if (line !== '') chain?.push(line.replace(/counter packets \d+ bytes \d+ ?/, ''))
  }
  const refuses = (name: string, depth: number): boolean => {
    const owner = name.slice(0, name.lastIndexOf(' '))
    return (chains.get(name) ?? []).some((line) => {
      if (/^(?:drop|reject\b.*)$/.test(line)) return true
      const jump = /^(?:jump|goto) (\S+)$/.exec(line)?.[1]
      return jump !== undefined && depth > 0 && refuses(`${owner} ${jump}`, depth - 1)
    })
  }
  return [...chains].some(
    ([name, lines]) =>
      lines.some((line) => /\bhook input\b/.test(line)) &&
      (lines.some((line) => /\bpolicy drop;/.test(line)) || refuses(name, 4)),
  )
}

/** Parses `iptables-save`: the same question of the filter table's INPUT chain. */
export function parseIptables(text: string): boolean {
  const filter = /^\*filter$([\s\S]*?)^COMMIT$/m.exec(text)?.[1] ?? ''
  if (/^:INPUT (?:DROP|REJECT)\b/m.test(filter)) return true
  const refuses = (chain: string, depth: number): boolean =>
    filter.split('\n').some((line) => {
      const target = new RegExp(`^-A ${chain.replace(/[^\w-]/g, '\\$&')} -[jg] (\\S+)`).exec(line)?.[1]
      if (target === undefined) return false
      return target === 'DROP' || target === 'REJECT' || (depth > 0 && refuses(target, depth - 1))
    })
  return refuses('INPUT', 4)
}

/** Parses socketfilterfw's `Firewall is enabled. (State = 1)`; 2 blocks all incoming connections. */
export function parseSocketFilter(text: string): boolean | undefined {
  const state = /\(State = (\d)\)/.exec(text)?.[1]
  return state === undefined ? undefined : state !== '0'
}
