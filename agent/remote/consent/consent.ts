import { setTimeout as sleep } from 'node:timers/promises'
import { linuxWay } from './linux.ts'
import { macosWay } from './macos.ts'
import { show, type ConsentRequest, type Way } from './showing.ts'
import { windowsWay } from './windows.ts'

export type { ConsentRequest } from './showing.ts'

/** `nobody`: there is no one, or no way, to be asked. */
export type ConsentAnswer = 'yes' | 'no' | 'nobody'

/** The notice that stands while a session is open. */
export type ConsentNotice = {
  /**
   * Resolves when the session must end: the person ended it there, or nobody can see any more who is connected though
   * somebody must be able to. Never on a machine where nobody had to be asked and nobody is.
   */
  ended: Promise<NoticeEnd>
  close(): void
}
export type NoticeEnd = 'closed-by-person' | 'notice-lost'

/** The person in front of the machine. */
export type Consent = {
  ask(request: ConsentRequest & { timeoutMs: number }): Promise<ConsentAnswer>
  /** `required`: the session was asked for, so that it may not go on unseen. */
  show(request: ConsentRequest & { required: boolean }): ConsentNotice
}

const WAYS: Partial<Record<NodeJS.Platform, Way>> = {
  linux: linuxWay,
  win32: windowsWay,
  darwin: macosWay,
}
/** A window that was there for so long was there to be seen; and so often it is looked whether somebody has come. */
const PACE = { stoodMs: 250, againMs: 30_000 }
/** A notice that dies over and over is none. */
const MOST_DEATHS = 5

/**
 * Asks the person who sits at this machine, and shows them who is connected. Without somebody signed in at its screen,
 * or without a program that can show a window there, the answer is `nobody`. Silence is a no.
 */
export function createConsent(way: Way | undefined = WAYS[process.platform], pace = PACE): Consent {
  return {
    async ask({ timeoutMs, ...request }) {
      const stop = new AbortController()
      const timer = setTimeout(() => stop.abort(), timeoutMs)
      try {
        const showings =
          (await way?.({ ...request, what: 'ask', timeoutS: Math.ceil(timeoutMs / 1000) })) ?? []
        for (const showing of showings) {
          const answer = await show(showing, stop.signal)
          if (answer === 'yes' || answer === 'no') return answer
        }
        return 'nobody'
      } finally {
        clearTimeout(timer)
      }
    },
    show({ required, ...request }) {
      const stop = new AbortController()
      const { promise, resolve } = Promise.withResolvers<NoticeEnd>()
      /** `died`: it was there to be seen, and nobody closed it. What has died more than once gives way to another. */
      const showOnce = async (deaths: number): Promise<'closed' | 'died' | 'failed' | 'nobody'> => {
        const showings = (await way?.({ ...request, what: 'notice', timeoutS: 0 })) ?? []
        for (const showing of showings.slice(Math.min(Math.max(0, deaths - 1), showings.length - 1))) {
          const sinceMs = performance.now()
          const answer = await show(showing, stop.signal)
          if (answer === 'yes' || answer === 'no') return 'closed'
          if (answer === 'failed' && performance.now() - sinceMs >= pace.stoodMs) return 'died'
        }
        return showings.length === 0 ? 'nobody' : 'failed'
      }
      const stand = async (): Promise<NoticeEnd | undefined> => {
        for (let deaths = 0; ;) {
          const how = await showOnce(deaths)
          if (stop.signal.aborted) return undefined
          if (how === 'closed') return 'closed-by-person'
          if (how === 'died') deaths += 1
          if (how === 'died' && deaths < MOST_DEATHS) continue
          // On a server nobody would see it anyway; who comes later does.
          if (required || (how !== 'nobody' && deaths > 0)) return 'notice-lost'
          await sleep(pace.againMs, undefined, { signal: stop.signal, ref: false })
        }
      }
      stand().then(
        (how) => how && resolve(how),
        () => required && !stop.signal.aborted && resolve('notice-lost'),
      )
      return { ended: promise, close: () => stop.abort() }
    },
  }
}
