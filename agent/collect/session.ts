import { NO_LABELS, type Collector } from './collector.ts'
import type { Reader } from './source/read.ts'
import { parseLoginRecords, USER_PROCESS } from './source/utmp.ts'

/** One interactive session. Time in Unix milliseconds. */
export type LoginSession = { user: string; line: string; host: string; sinceMs: number }

/**
 * Interactive sessions: /run/utmp where it is kept, else what systemd-logind writes in /run/systemd/sessions.
 * Unavailable where neither is.
 */
export const session: Collector = {
  name: 'session',
  intervalS: 60,
  metrics: ['session.count'],
  create: ({ reader, arch }) => ({
    collect(sink) {
      const sessions = readUtmp(reader, arch) ?? readLogind(reader)
      sink.set('session.count', NO_LABELS, sessions?.length)
      if (sessions) sink.fact('sessions', { sessions })
    },
  }),
}

function readUtmp(reader: Reader, arch: string): LoginSession[] | undefined {
  const bytes = reader.bytes('/run/utmp', 0, 1024 * 1024)
  if (bytes === undefined) return undefined
  return parseLoginRecords(bytes, arch)
    .filter(({ type, pid }) => type === USER_PROCESS && reader.exists(`/proc/${pid}`))
    .map(({ user, line, host, timeMs }) => ({ user, line, host, sinceMs: timeMs }))
}

/** logind's own files (KEY=value): undefined where logind does not run. */
function readLogind(reader: Reader): LoginSession[] | undefined {
  if (!reader.exists('/run/systemd/system')) return undefined
  return reader
    .list('/run/systemd/sessions')
    ?.filter((name) => !name.endsWith('.ref'))
    .flatMap((name) => {
      const text = reader.text(`/run/systemd/sessions/${name}`) ?? ''
      const field = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? ''
      if (!/^user(?:-early|-incomplete)?$/.test(field('CLASS')) || field('STATE') === 'closing') return []
      return [
        {
          user: field('USER'),
          line: field('TTY'),
          host: field('REMOTE_HOST'),
          sinceMs: Number(field('REALTIME')) / 1000,
        },
      ]
    })
}
