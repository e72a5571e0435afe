import type { Collector, Labels } from './collector.ts'

const NUT = { host: '127.0.0.1', port: 3493 }
const ANSWER_MS = 3000
/** Few machines have one, so where none answers it is looked for less often. */
const LOOK_AGAIN_MS = 10 * 60_000
const MOST_BYTES = 64 * 1024

/** What a power supply says of itself; undefined where it does not. */
export type UpsState = {
  ups: string
  charge: number | undefined
  onBattery: boolean | undefined
  runtimeS: number | undefined
}

/**
 * Power supplies that Network UPS Tools knows, asked of upsd on this machine (its network protocol, RFC 9271: LIST
 * UPS, LIST VAR). Without upsd there is no series.
 */
export const ups: Collector = {
  name: 'ups',
  intervalS: 60,
  metrics: ['ups.charge_percent', 'ups.on_battery', 'ups.runtime_seconds'],
  create() {
    const labels = new Map<string, Labels>()
    let found: UpsState[] = []
    let askAtMs = 0
    return {
      async prepare(nowMs) {
        if (found.length === 0 && nowMs < askAtMs) return
        found = await askUpsd()
        askAtMs = nowMs + LOOK_AGAIN_MS
      },
      collect(sink) {
        for (const { ups: name, charge, onBattery, runtimeS } of found) {
          const known = labels.get(name) ?? { ups: name }
          labels.set(name, known)
          sink.set('ups.charge_percent', known, charge)
          sink.set('ups.on_battery', known, onBattery === undefined ? undefined : Number(onBattery))
          sink.set('ups.runtime_seconds', known, runtimeS)
        }
      },
    }
  },
}

/** Every UPS of an upsd; none where nothing listens or it does not answer in time. */
export async function askUpsd(at: { host: string; port: number } = NUT): Promise<UpsState[]> {
  const names = namesOf(await converse(at, ['LIST UPS']))
  if (names.length === 0) return []
  const text = await converse(
    at,
    names.map((name) => `LIST VAR ${name}`),
  )
  return names.map((name) => parseVariables(text, name))
}

/** Parses `VAR <ups> <name> "<value>"` lines; `ups.status` holds OL on line power, OB on battery. */
export function parseVariables(text: string, name: string): UpsState {
  const values = new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const match = /^VAR (\S+) (\S+) "((?:[^"\\]|\\.)*)"$/.exec(line)
      return match?.[1] === name ? [[match[2] ?? '', match[3] ?? '']] : []
    }),
  )
  const number = (key: string): number | undefined => {
    const value = values.get(key)
    return value === undefined || value.trim() === '' || !Number.isFinite(Number(value))
      ? undefined
      : Number(value)
  }
  const status = values.get('ups.status')?.split(' ')
  return {
    ups: name,
    charge: number('battery.charge'),
    onBattery: status?.includes('OB') ? true : status?.includes('OL') ? false : undefined,
    runtimeS: number('battery.runtime'),
  }
}

function namesOf(text: string): string[] {
  return [...text.matchAll(/^UPS ([\w.-]{1,100}) /gm)].flatMap(([, name]) => name ?? [])
}

/** Sends lines and reads until each list has ended or was refused; what came until the time is over stands. */
async function converse(at: { host: string; port: number }, commands: readonly string[]): Promise<string> {
  const { connect } = await import('node:net')
  return new Promise((resolve) => {
    const socket = connect(at)
    let text = ''
    const end = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(text)
    }
    const timer = setTimeout(end, ANSWER_MS)
    socket.setEncoding('utf8')
    socket.once('connect', () => socket.write(commands.map((command) => `${command}\n`).join('')))
    socket.on('data', (part: string) => {
      text += part
      const ended = text.match(/^(?:END LIST |ERR )/gm)?.length ?? 0
      if (ended >= commands.length || text.length > MOST_BYTES) end()
    })
    socket.once('error', end)
    socket.once('close', end)
  })
}
