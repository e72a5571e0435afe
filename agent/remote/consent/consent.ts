import { linuxWay } from './linux.ts'
import { macosWay } from './macos.ts'
import { show, type ConsentRequest, type Way } from './showing.ts'
import { windowsWay } from './windows.ts'

export type { ConsentRequest } from './showing.ts'

/** `nobody`: there is no one, or no way, to be asked. */
export type ConsentAnswer = 'yes' | 'no' | 'nobody'

/** The notice that stands while a session is open. */
export type ConsentNotice = {
  /** Resolves when the person ends the session there; never when nothing can be shown. */
  ended: Promise<'closed-by-person'>
  close(): void
}

/** The person in front of the machine. */
export type Consent = {
  ask(request: ConsentRequest & { timeoutMs: number }): Promise<ConsentAnswer>
  show(request: ConsentRequest): ConsentNotice
}

const WAYS: Partial<Record<NodeJS.Platform, Way>> = {
  linux: linuxWay,
  win32: windowsWay,
  darwin: macosWay,
}

/**
 * Asks the person who sits at this machine, and shows them who is connected. Without somebody signed in at its screen,
 * or without a program that can show a window there, the answer is `nobody`. Silence is a no.
 */
export function createConsent(way: Way | undefined = WAYS[process.platform]): Consent {
  return {
    async ask({ timeoutMs, ...request }) {
      const stop = new AbortController()
      const timer = setTimeout(() => stop.abort(), timeoutMs)
      try {
        const showings =
          (await way?.({ ...request, what: 'ask', timeoutS: Math.ceil(timeoutMs / 1000) })) ?? []
        for (const showing of showings) {
          const answer = await show(showing, stop.signal)
          if (answer !== 'failed') return answer === 'yes' ? 'yes' : 'no'
        }
        return 'nobody'
      } finally {
        clearTimeout(timer)
      }
    },
    show(request) {
      const stop = new AbortController()
      const { promise, resolve } = Promise.withResolvers<'closed-by-person'>()
      const stand = async (): Promise<void> => {
        const showings = (await way?.({ ...request, what: 'notice', timeoutS: 0 })) ?? []
        for (const showing of showings) {
          if (stop.signal.aborted) return
          const answer = await show(showing, stop.signal)
          if (answer === 'failed') continue
          // Its window is gone, by its button or otherwise: nobody would see any more who is connected.
          if (!stop.signal.aborted) resolve('closed-by-person')
          return
        }
      }
      // A notice that cannot be shown ends nothing: on a server nobody would see it anyway.
      void stand().catch(() => undefined)
      return { ended: promise, close: () => stop.abort() }
    },
  }
}
