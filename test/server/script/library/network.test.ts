import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isRoot, runAsync, runScript } from './run-script.ts'

let home: string
let tls: TlsServer
const servers: Server[] = []
const portOf = (server: { address(): unknown }) => (server.address() as { port: number }).port

/** A server that answers each connection, or what it is sent, with these bytes. */
async function answering(bytes: Buffer, first: boolean): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    if (first) socket.end(bytes)
    else socket.once('data', () => socket.end(bytes))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return portOf(server)
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'vigia-net-'))
  const made = spawnSync(
    'openssl',
    // prettier-ignore
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '20', '-subj', '/CN=vigia.test', '-keyout', 'key.pem', '-out', 'cert.pem'],
    { cwd: home, encoding: 'utf8' },
  )
  expect(made.status, made.stderr).toBe(0)
  const read = (file: string) => readFileSync(join(home, file))
  tls = createTlsServer({ key: read('key.pem'), cert: read('cert.pem') }, (socket) =>
    socket.on('error', () => undefined),
  )
  tls.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  tls.close()
  for (const server of servers) server.close()
  rmSync(home, { recursive: true, force: true })
})

describe('test-connectivity', () => {
  it('reaches a port of this machine, and judges its certificate', async () => {
    const plain = await answering(Buffer.from('hi'), true)
    const ran = await runAsync('test-connectivity', { host: '127.0.0.1', port: plain })
    expect(ran).toMatchObject({ code: 0, fields: { address: '127.0.0.1', failed: '' } })
    expect(Number(ran.fields['tcp_ms'])).toBeLessThan(2000)
    const judged = await runAsync('test-connectivity', { host: '127.0.0.1', port: portOf(tls), tls: true })
    expect(judged).toMatchObject({ code: 1, fields: { failed: 'tls' } })
    expect(['19', '20']).toContain(judged.fields['certificate_days'])
    expect(judged.fields['tls']).toMatch(/self-signed/)
  }, 60_000)
  it('says which step failed, and takes no hostile host', () => {
    expect(runScript('test-connectivity', { host: '127.0.0.1', port: 1 })).toMatchObject({
      code: 1,
      fields: { failed: 'tcp' },
    })
    expect(runScript('test-connectivity', { host: 'vigia.invalid', port: 0 })).toMatchObject({
      code: 1,
      fields: { failed: 'name' },
    })
    for (const host of ['-h', '$(reboot)', 'a b', '127.0.0.1;reboot', 'x/../y'])
      expect(runScript('test-connectivity', { host, port: 1 }, { unchecked: true }).code, host).toBe(2)
  }, 60_000)
})

describe('check-certificate', () => {
  it('reads one that a host shows, and one in a file', async () => {
    const shown = await runAsync('check-certificate', { target: `127.0.0.1:${portOf(tls)}` })
    expect(shown).toMatchObject({ code: 0, fields: { subject: 'CN = vigia.test' } })
    expect(['19', '20']).toContain(shown.fields['days_left'])
    expect(runScript('check-certificate', { target: join(home, 'cert.pem') }).fields['days_left']).toBe(
      shown.fields['days_left'],
    )
  })
  it('says when there is none, and refuses what is neither', async () => {
    const silent = await answering(Buffer.from('no certificate'), true)
    expect((await runAsync('check-certificate', { target: `127.0.0.1:${silent}` })).code).toBe(1)
    expect(runScript('check-certificate', { target: join(home, 'key.pem') }).code).toBe(1)
    for (const target of ['/nowhere.pem', '-connect', 'host', 'a b:1', '$(reboot):1'])
      expect(runScript('check-certificate', { target }, { unchecked: true }).code, target).toBe(2)
  })
})

describe.skipIf(!isRoot)('renew-certificate (as root)', () => {
  const live = '/etc/letsencrypt/live/web/cert.pem'
  const files = () => ({
    '/etc/letsencrypt/renewal/web.conf': 'x',
    [live]: readFileSync(join(home, 'cert.pem'), 'utf8'),
  })
  const younger = () =>
    `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj /CN=web -keyout /dev/null -out ${live} 2>/dev/null`
  it('has certbot renew one that it looks after, and reads how long it lasts', () => {
    const ran = runScript(
      'renew-certificate',
      { certificate: 'web' },
      { files: files(), tools: { certbot: younger() } },
    )
    expect(ran, ran.stderr).toMatchObject({ code: 0 })
    expect(Number(ran.fields['days_left'])).toBeGreaterThan(80)
    expect(ran.calls).toEqual(['certbot renew --cert-name web --non-interactive --no-random-sleep-on-renew'])
  })
  it('says when certbot does nothing, fails, or knows no such certificate', () => {
    const run = (certificate: string, certbot: string) =>
      runScript('renew-certificate', { certificate }, { files: files(), tools: { certbot }, unchecked: true })
    expect(run('web', '').code).toBe(1)
    expect(run('web', 'exit 1').code).toBe(1)
    expect(run('other', '')).toMatchObject({ code: 4, calls: [] })
    for (const hostile of ['../../x', '-v', '$(reboot)'])
      expect(run(hostile, '')).toMatchObject({ code: 2, calls: [] })
  })
})

describe('the network', () => {
  it('open-ports marks what others can reach', async () => {
    const inside = await answering(Buffer.from('x'), true)
    const ran = runScript('open-ports')
    expect(ran.code).toBe(0)
    expect(Number(ran.fields['listening_count'])).toBeGreaterThan(0)
    expect(ran.stdout).toMatch(new RegExp(`^    tcp  127\\.0\\.0\\.1:${inside} `, 'm'))
    expect(ran.fields['reachable']).not.toContain(`tcp/${inside}`)
    expect(runScript('open-ports', {}, { path: '/nowhere' }).code).toBe(3)
  })
  it('network-configuration shows addresses and routes', () => {
    const ran = runScript('network-configuration')
    expect(ran.code).toBe(0)
    expect(ran.stdout).toContain('127.0.0.1')
    expect(runScript('network-configuration', {}, { path: '/nowhere' }).code).toBe(3)
  })
  it('renew-dhcp-lease asks whoever manages the interface', () => {
    const ip = `case "$*" in *address*) echo '2: eth9 inet 192.0.2.7/24 scope global eth9' ;; *nothere*) exit 1 ;; esac`
    const ran = runScript(
      'renew-dhcp-lease',
      { interface: 'eth9' },
      { tools: { ip, networkctl: 'echo "State: routable"' } },
    )
    expect(ran).toMatchObject({
      code: 0,
      fields: { renewed_by: 'systemd-networkd', address: '192.0.2.7/24' },
    })
    expect(ran.calls).toContain('networkctl renew eth9')
    const nobody = { ip, networkctl: 'exit 1', nmcli: 'exit 1', dhcpcd: 'exit 1', dhclient: 'exit 1' }
    expect(runScript('renew-dhcp-lease', { interface: 'eth9' }, { tools: nobody }).code).toBe(4)
    for (const bad of ['lo', '-a', 'nothere', 'a;b'])
      expect(
        runScript('renew-dhcp-lease', { interface: bad }, { tools: nobody, unchecked: true }).code,
        bad,
      ).toBe(2)
  })
})

describe('firewalls', () => {
  it('firewall-status reads which one filters', () => {
    expect(
      runScript('firewall-status', {}, { tools: { ufw: 'echo "Status: active"' } }).fields,
    ).toMatchObject({
      firewall: 'ufw',
      enabled: 'true',
    })
    const open = {
      ufw: 'echo "Status: inactive"',
      'firewall-cmd': 'exit 1',
      nft: '',
      iptables: 'echo "-P INPUT ACCEPT"',
    }
    expect(runScript('firewall-status', {}, { tools: open }).fields).toMatchObject({
      firewall: 'none',
      enabled: 'false',
    })
    expect(runScript('firewall-status', {}, { path: '/nowhere' }).code).toBe(3)
  })
  const ss = (port: number) =>
    `printf 'LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))\\nLISTEN 0 5 127.0.0.1:631 0.0.0.0:* users:(("cupsd",pid=2,fd=3))\\nLISTEN 0 5 0.0.0.0:${port} 0.0.0.0:* users:(("nginx",pid=3,fd=3))\\n'`
  const ufw = `case "$1" in status) echo 'Status: active' ;; esac`
  it('enable-firewall lets SSH and what is named in, before it switches on', () => {
    const ran = runScript('enable-firewall', { allow: '443' }, { tools: { ss: ss(443), ufw } })
    expect(ran, ran.stderr).toMatchObject({ code: 0, fields: { firewall: 'ufw', would_cut_off: '' } })
    const on = ran.calls.indexOf('ufw --force enable')
    for (const port of ['22', '443']) expect(ran.calls.indexOf(`ufw allow ${port}/tcp`)).toBeLessThan(on)
    expect(ran.calls).toContain('ufw allow 22/tcp')
    expect(ran.calls).not.toContain('ufw allow 631/tcp')
  })
  it('enable-firewall cuts nobody off who is not named, and changes nothing in a dry run', () => {
    const cut = runScript('enable-firewall', {}, { tools: { ss: ss(8080), ufw } })
    expect(cut).toMatchObject({ code: 6, fields: { would_cut_off: '8080' } })
    expect(cut.calls.some((call) => call.startsWith('ufw'))).toBe(false)
    const dry = runScript(
      'enable-firewall',
      { cut_off: true },
      { tools: { ss: ss(8080), ufw }, dryRun: true },
    )
    expect([dry.code, dry.calls.some((call) => call.startsWith('ufw'))]).toEqual([0, false])
    for (const allow of ['22;reboot', '$(reboot)', '-1', 'ssh'])
      expect(
        runScript('enable-firewall', { allow }, { tools: { ss: ss(1), ufw }, unchecked: true }).code,
      ).toBe(2)
  })
})

describe('wake-neighbour', () => {
  it('sends the magic packet three times', async () => {
    const socket = createSocket('udp4')
    const packets: Buffer[] = []
    socket.on('message', (packet) => packets.push(packet))
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    const to = { mac: '00:11:22:aa:bb:cc', broadcast: '127.0.0.1', port: socket.address().port }
    expect(await runAsync('wake-neighbour', to)).toMatchObject({ code: 0, fields: { sent_count: '3' } })
    socket.close()
    expect(packets).toHaveLength(3)
    expect(packets[0]!.toString('hex')).toBe(`ffffffffffff${'001122aabbcc'.repeat(16)}`)
  })
  it('refuses what is no hardware address', () => {
    for (const mac of ['00:11:22:aa:bb', 'zz:11:22:aa:bb:cc', '$(reboot)'])
      expect(runScript('wake-neighbour', { mac }, { unchecked: true }).code).toBe(2)
    expect(
      runScript('wake-neighbour', { mac: '00:11:22:aa:bb:cc', broadcast: 'x' }, { unchecked: true }).code,
    ).toBe(2)
  })
})

describe('ping-neighbour', () => {
  it('takes an open port for an answer, and a refusal too', async () => {
    const port = await answering(Buffer.from('x'), true)
    const ran = await runAsync(
      'ping-neighbour',
      { host: '127.0.0.1', ports: `${port},1` },
      { tools: { ping: 'exit 1' } },
    )
    expect(ran).toMatchObject({
      code: 0,
      fields: { answers: 'true', ping: 'false', open_ports: String(port) },
    })
    expect(ran.calls[0]).toMatch(/^ping .* 127\.0\.0\.1$/)
  })
  it('says that a host does not answer, and takes no hostile one', () => {
    const silent = { tools: { ping: 'exit 1' } }
    expect(runScript('ping-neighbour', { host: 'vigia.invalid', ports: '9' }, silent)).toMatchObject({
      code: 1,
    })
    for (const host of ['-f', '$(reboot)', 'a b'])
      expect(runScript('ping-neighbour', { host }, { ...silent, unchecked: true })).toMatchObject({
        code: 2,
        calls: [],
      })
  })
})

describe('database-ping', () => {
  const greeting = Buffer.concat([
    Buffer.from([50, 0, 0, 0, 10]),
    Buffer.from('8.0.40\0', 'latin1'),
    Buffer.alloc(20),
  ])
  it.each<[string, Buffer, boolean, string]>([
    ['postgresql', Buffer.from('N'), false, 'ready'],
    ['mysql', greeting, true, '8.0.40'],
    ['sqlserver', Buffer.from([4, 1, 0, 8, 0, 0, 1, 0]), false, 'ready'],
    ['redis', Buffer.from('-NOAUTH Authentication required.\r\n'), false, '-NOAUTH'],
  ])('knows the answer of %s', async (kind, bytes, first, said) => {
    const port = await answering(bytes, first)
    expect(await runAsync('database-ping', { kind, port })).toMatchObject({
      code: 0,
      fields: { answers: 'true', said },
    })
  })
  it('is not deceived by something else, and says that nothing listens', async () => {
    const web = await answering(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), false)
    for (const kind of ['postgresql', 'sqlserver', 'redis'])
      expect((await runAsync('database-ping', { kind, port: web })).code, kind).toBe(1)
    expect(runScript('database-ping', { kind: 'redis', port: 1 }).code).toBe(1)
    expect(runScript('database-ping', { kind: 'oracle', port: 1 }, { unchecked: true }).code).toBe(2)
  })
})
