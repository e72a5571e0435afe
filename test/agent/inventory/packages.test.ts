import { describe, expect, it } from 'vitest'
import { parseDpkgStatus, parseUpgradable } from '../../../agent/inventory/packages.ts'

describe('packages', () => {
  it('are those that dpkg has installed', () => {
    const status = [
      'Package: bash\nEssential: yes\nStatus: install ok installed\nVersion: 5.2.15-2+b8\nDescription: GNU shell\n Version: not this one\n',
      'Package: old\nStatus: deinstall ok config-files\nVersion: 1.0\n',
      'Package: half\nStatus: install ok half-configured\nVersion: 2.0\n',
      'Package: zlib1g\nStatus: hold ok installed\nVersion: 1:1.2.13.dfsg-1\n',
    ].join('\n')
    expect(parseDpkgStatus(status)).toEqual([
      ['bash', '5.2.15-2+b8'],
      ['zlib1g', '1:1.2.13.dfsg-1'],
    ])
  })

  it('with an update are told apart from those with a security update', () => {
    const text = [
      'Listing...',
      'bash/oldstable 5.2.15-2+b13 amd64 [upgradable from: 5.2.15-2+b8]',
      'ca-certificates/oldstable,oldstable-security 20250419~deb12u2 all [upgradable from: 20230311+deb12u1]',
      'libc6/jammy-updates,jammy-security 2.35-0ubuntu3.9 amd64 [upgradable from: 2.35-0ubuntu3.8]',
      'N: There is 1 additional version.',
      '',
    ].join('\n')
    expect(parseUpgradable(text)).toEqual([
      { name: 'bash', installed: '5.2.15-2+b8', available: '5.2.15-2+b13', security: false },
      {
        name: 'ca-certificates',
        installed: '20230311+deb12u1',
        available: '20250419~deb12u2',
        security: true,
      },
      { name: 'libc6', installed: '2.35-0ubuntu3.8', available: '2.35-0ubuntu3.9', security: true },
    ])
  })
})
