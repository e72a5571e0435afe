import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { RemotePolicy } from '../../contract/remote/policy.ts'
import { startDisplay, type Display } from '../support/display.ts'
import { BIN, createInstallation, eventually, sparePort, type Installation } from '../support/installation.ts'
import { BUTTONS, personAt, type Person } from '../support/person.ts'
import { suiteNeeding } from '../support/servers.ts'
import { createTestAuthority } from '../support/test-authority.ts'
import { admitTechnician } from '../support/technician.ts'

/** The window there. */
const COLOUR = 0x204060

suiteNeeding(
  ['Xvfb', 'x11vnc', 'xdotool', 'xterm', 'zenity', 'xrdp', 'xfreerdp'],
  "a device's Remote Desktop in the technician's own client, with real xrdp and FreeRDP",
  (programs) => {
    vi.setConfig({ testTimeout: 90_000 })

    let vigia: Installation
    let there: Display
    let here: Display
    let person: Person
    let folder: string
    let typed: string
    let device: string
    let rdpPort: number
    let xrdp: ChildProcess
    const tunnels: ChildProcess[] = []

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'vigia-flow-rdp-'))
      typed = join(folder, 'typed')
      ;[there, here] = [await startDisplay('640x480x24'), await startDisplay('800x600x24')]
      person = personAt(there)
      const script = join(folder, 'write.sh')
      writeFileSync(script, `while IFS= read -r line; do printf '%s\\n' "$line" >> ${typed}; done\n`)
      there.run('xterm', [
        ...['-geometry', '80x20+0+0', '-bg', '#204060', '-fg', 'white', '-title', 'window there'],
        ...['-e', 'sh', script],
      ])
      const vncPort = await sparePort()
      there.run('x11vnc', [
        ...['-display', there.name, '-rfbport', String(vncPort), '-localhost', '-forever', '-shared'],
        ...['-quiet', '-nopw', '-noxdamage', '-nocursorshape'],
      ])
      rdpPort = await sparePort()
      const ini = join(folder, 'xrdp.ini')
      writeFileSync(ini, xrdpIni({ rdpPort, vncPort, folder }))
      const { server } = await createTestAuthority()
      writeFileSync(join(folder, 'cert.pem'), server.certPem)
      writeFileSync(join(folder, 'key.pem'), server.keyPem)
      xrdp = spawn(programs.xrdp, ['--nodaemon', '--config', ini], { stdio: 'ignore' })
      vigia = await createInstallation({ env: there.at })
      await vigia.start()
      device = await admitTechnician(vigia, 'tess')
    }, 180_000)
    afterEach(async () => {
      for (const tunnel of tunnels.splice(0)) {
        if (tunnel.exitCode !== null) continue
        tunnel.kill('SIGINT')
        await once(tunnel, 'exit')
      }
    }, 30_000)
    afterAll(async () => {
      await vigia?.remove()
      xrdp?.kill('SIGTERM')
      await here?.close()
      await there?.close()
      if (folder) rmSync(folder, { recursive: true, force: true })
    }, 90_000)

    const policy = (change: Partial<RemotePolicy>): void =>
      writeFileSync(join(vigia.dataDir, 'agent/remote-policy.json'), JSON.stringify({ rdpPort, ...change }))
    /** `vigia remote rdp` as it runs beside one's client. */
    const open = (): { said: () => string; port: Promise<string>; exit: Promise<number> } => {
      const args = ['remote', 'rdp', '--device', device, '--reason', 'the printer', '--server', vigia.url]
      const tunnel = spawn(process.execPath, [BIN, ...args], {
        env: vigia.env,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      tunnels.push(tunnel)
      let said = ''
      tunnel.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
      return {
        said: () => said,
        port: eventually('the port', 30_000, async () => /127\.0\.0\.1:(\d+)/.exec(said)?.[1]),
        exit: once(tunnel, 'exit').then(([code]) => code as number),
      }
    }
    const client = (port: string): ChildProcess =>
      here.run('xfreerdp', [
        ...[`/v:127.0.0.1:${port}`, '/u:tess', '/p:x', '/cert:ignore', '/size:640x480', '/bpp:24'],
        ...['/title:their desktop', '-grab-keyboard'],
      ])

    it('is asked for, seen and worked in, shown to the person there, and ended by them', async () => {
      policy({ rdp: 'ask' })
      const tunnel = open()
      const port = tunnel.port.catch(() => '')
      await eventually('the question', 20_000, async () => person.reads('--question') !== '')
      const code = await eventually(
        'the code',
        10_000,
        async () => /Both of you read out: (\d{6})/.exec(tunnel.said())?.[1],
      )
      expect(person.reads('--question')).toContain(
        'tess asks for permission to sign in to this computer with Remote Desktop',
      )
      expect(person.reads('--question')).toContain(`Code: ${code}`)
      await person.press('--question', BUTTONS.allow)
      const desktop = client(await port)
      await eventually('the desktop there is seen here', 30_000, async () => here.share(COLOUR) > 0.1)
      const window = await here.window('their desktop')
      there.xdotool('windowfocus', '--sync', await there.window('window there'))
      here.xdotool('windowfocus', '--sync', window)
      here.xdotool('type', '--delay', '40', 'typed over rdp')
      here.key('Return', window)
      await eventually(
        'it was typed there',
        20_000,
        async () => existsSync(typed) && readFileSync(typed, 'utf8').includes('typed over rdp\n'),
      )
      expect(person.reads('--info')).toContain('tess is connected')
      const gone = once(desktop, 'exit')
      await person.press('--info', BUTTONS.end)
      expect(await tunnel.exit).toBe(1)
      expect(tunnel.said()).toContain('closed-by-person')
      await gone
      const { sessions } = await vigia.server.call('remotes', { query: { kind: 'rdp' } })
      expect(sessions[0]).toMatchObject({
        technician: 'tess',
        reason: 'the printer',
        why: 'closed-by-person',
      })
      expect(sessions[0]!.bytesOut).toBeGreaterThan(10_000)
      expect((await vigia.server.call('verifyAudit')).ok).toBe(true)
    })

    it('takes one client after the other where nobody must be asked, and ends with Ctrl+C', async () => {
      policy({ rdp: 'unattended' })
      const tunnel = open()
      const port = await tunnel.port
      for (let time = 0; time < 2; time++) {
        const desktop = client(port)
        await eventually('the desktop there is seen here', 30_000, async () => here.share(COLOUR) > 0.1)
        const gone = once(desktop, 'exit')
        desktop.kill('SIGTERM')
        await gone
        await eventually('it is not seen any more', 10_000, async () => here.share(COLOUR) === 0)
      }
      tunnels[0]!.kill('SIGINT')
      expect(await tunnel.exit).toBe(0)
      expect(tunnel.said()).toMatch(/Ended\.\n$/)
    })

    it('is refused where the device does not allow it, and says what is missing where there is none', async () => {
      policy({ rdp: 'never' })
      const refused = open()
      refused.port.catch(() => undefined)
      expect(await refused.exit).toBe(1)
      expect(refused.said()).toContain('REMOTE_FORBIDDEN')
      policy({ rdp: 'unattended', rdpPort: 1 })
      const missing = open()
      missing.port.catch(() => undefined)
      expect(await missing.exit).toBe(1)
      expect(missing.said()).toContain(
        'No RDP server on 127.0.0.1:1. Install one that listens on the loopback',
      )
    })
  },
)

/** An RDP server whose only desktop is that of the VNC server of the display: xrdp.ini(5). */
function xrdpIni(options: { rdpPort: number; vncPort: number; folder: string }): string {
  return `[Globals]
ini_version=1
fork=true
port=tcp://127.0.0.1:${options.rdpPort}
security_layer=tls
certificate=${join(options.folder, 'cert.pem')}
key_file=${join(options.folder, 'key.pem')}
autorun=there
allow_channels=true
max_bpp=24

[Logging]
LogFile=${join(options.folder, 'xrdp.log')}
LogLevel=INFO
EnableSyslog=false

[there]
name=there
lib=libvnc.so
username=na
password=na
ip=127.0.0.1
port=${options.vncPort}
`
}
