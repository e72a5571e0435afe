import { describe, expect, it } from 'vitest'
import {
  firewall,
  parseIptables,
  parseNftRuleset,
  parseSocketFilter,
} from '../../../agent/collect/firewall.ts'
import type { RunProgram } from '../../../agent/collect/source/windows-posture.ts'
import { machine, watch } from './machine.ts'

const UFW = `table ip filter {
	chain ufw-user-input {
		tcp dport 22 counter packets 12 bytes 720 accept
	}

	chain INPUT {
		type filter hook input priority filter; policy drop;
		counter packets 5523 bytes 553511 jump ufw-user-input
	}
}
`
const FIREWALLD = `table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
		ct state { established, related } accept
		iifname "lo" accept
		ct state invalid drop
		jump filter_INPUT_ZONES
		reject with icmpx admin-prohibited
	}

	chain filter_INPUT_ZONES {
		goto filter_IN_public
	}
}
`
const FAIL2BAN = `table inet f2b-table {
	set addr-set-sshd {
		type ipv4_addr
		elements = { 203.0.113.9 }
	}

	chain f2b-chain {
		type filter hook input priority filter - 1; policy accept;
		tcp dport { 22 } ip saddr @addr-set-sshd reject with icmp port-unreachable
	}
}
`
const DOCKER = `table ip filter {
	chain DOCKER {
		iifname != "docker0" oifname "docker0" counter packets 0 bytes 0 drop
	}

	chain FORWARD {
		type filter hook forward priority filter; policy drop;
		counter packets 0 bytes 0 jump DOCKER
	}
}
`
const LAST_RULE = `table inet own {
	chain input {
		type filter hook input priority filter; policy accept;
		iif "lo" accept
		jump services
	}

	chain services {
		tcp dport 22 accept
		counter packets 88 bytes 5123 drop
	}
}
`

describe('firewall', () => {
  it.each([
    ['ufw', UFW, true],
    ['firewalld', FIREWALLD, true],
    ['a last rule that drops, one chain further', LAST_RULE, true],
    ['fail2ban alone', FAIL2BAN, false],
    ['Docker alone', DOCKER, false],
    ['no rule at all', '', false],
  ])('of nft, %s: %#', (_name, text, filters) => {
    expect(parseNftRuleset(text)).toBe(filters)
  })

  it.each([
    ['*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\nCOMMIT\n', true],
    [
      '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\nCOMMIT\n',
      true,
    ],
    [
      '*filter\n:INPUT ACCEPT [0:0]\n:own - [0:0]\n-A INPUT -j own\n-A own -p tcp --dport 22 -j ACCEPT\n-A own -j DROP\nCOMMIT\n',
      true,
    ],
    ['*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 203.0.113.9/32 -j DROP\nCOMMIT\n', false],
    ['*nat\n:INPUT DROP [0:0]\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n', false],
  ])('of iptables %j says %s', (text, filters) => {
    expect(parseIptables(text)).toBe(filters)
  })

  it('of macOS', () => {
    expect(parseSocketFilter('Firewall is enabled. (State = 1)\n')).toBe(true)
    expect(
      parseSocketFilter('Firewall is blocking all non-essential incoming connections. (State = 2)'),
    ).toBe(true)
    expect(parseSocketFilter('Firewall is disabled. (State = 0)')).toBe(false)
    expect(parseSocketFilter('usage: socketfilterfw')).toBeUndefined()
  })

  it('asks what is installed, and is unavailable where nothing may be asked', async () => {
    const answers =
      (known: Record<string, string>): RunProgram =>
      (file) =>
        Promise.resolve(
          known[file] === undefined
            ? { exitCode: null, stdout: '', stderr: '', error: `${file} is not installed` }
            : { exitCode: 0, stdout: known[file], stderr: '', error: undefined },
        )
    const run = async (known: Record<string, string>, platform: NodeJS.Platform = 'linux') =>
      (await watch(machine(), [firewall], { platform, program: answers(known) }).run())['firewall.enabled']
    expect(await run({})).toBeNull()
    expect(await run({ nft: '' })).toBe(0)
    expect(await run({ nft: UFW })).toBe(1)
    expect(await run({ nft: DOCKER, 'iptables-save': '*filter\n:INPUT DROP [0:0]\nCOMMIT\n' })).toBe(1)
    const mac = '/usr/libexec/ApplicationFirewall/socketfilterfw'
    expect(await run({ [mac]: 'Firewall is disabled. (State = 0)\n' }, 'darwin')).toBe(0)
  })
})
