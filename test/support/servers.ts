import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { describe, it } from 'vitest'

/** Programs from Debian's packages that some suites need for real. */
const PROGRAMS = {
  mosquitto: ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto'],
  influxd: ['/usr/bin/influxd'],
  'victoria-metrics': ['/usr/bin/victoria-metrics'],
  postgres: postgresPaths(),
  chromium: ['/usr/bin/chromium'],
  'dbus-daemon': ['/usr/bin/dbus-daemon'],
  'node-exporter': ['/usr/bin/prometheus-node-exporter'],
  'zabbix-agent2': ['/usr/sbin/zabbix_agent2'],
  prometheus: ['/usr/bin/prometheus'],
  Xvfb: ['/usr/bin/Xvfb'],
  x11vnc: ['/usr/bin/x11vnc'],
  xdotool: ['/usr/bin/xdotool'],
  xterm: ['/usr/bin/xterm'],
  xmessage: ['/usr/bin/xmessage'],
  zenity: ['/usr/bin/zenity'],
  xrdp: ['/usr/sbin/xrdp'],
  xfreerdp: ['/usr/bin/xfreerdp'],
  shellcheck: ['/usr/bin/shellcheck'],
  wine: ['/usr/bin/wine'],
  nginx: ['/usr/sbin/nginx'],
} as const satisfies Record<string, readonly string[]>

export type Program = keyof typeof PROGRAMS

/** The path of an installed program; undefined when it is not on this machine. */
export function programPath(name: Program): string | undefined {
  const known = PROGRAMS[name].find((path) => existsSync(path))
  if (known) return known
  const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()
  return found === '' ? undefined : found
}

/**
 * A suite that needs programs which may be missing. It is skipped with a title that says why; with CI=true it
 * fails instead, since a skipped suite proves nothing.
 */
export function suiteNeeding(
  programs: readonly Program[],
  title: string,
  body: (paths: Record<Program, string>) => void,
): void {
  const paths = Object.fromEntries(programs.map((name) => [name, programPath(name) ?? '']))
  const missing = programs.filter((name) => paths[name] === '')
  if (missing.length === 0) {
    describe(title, () => body(paths as Record<Program, string>))
    return
  }
  const reason = `${title} (skipped: ${missing.join(', ')} not installed; .ci/run shows how)`
  if (process.env['CI'] === 'true') {
    describe(title, () => {
      it('has what it needs', () => {
        throw new Error(`${missing.join(', ')} not installed, and with CI=true a skipped suite is a failure`)
      })
    })
    return
  }
  describe.skip(reason, () => body(paths as Record<Program, string>))
}

function postgresPaths(): string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  return readdirSync(root)
    .filter((version) => Number(version) >= 15)
    .map((version) => `${root}/${version}/bin/postgres`)
}
