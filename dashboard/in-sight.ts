/** A page that is looked at again within so long keeps what it has. */
const GRACE_MS = 1000

/**
 * Holds something open while the page is in sight: `open` answers with the way to close it. Browsers open six connections to
 * a server without TLS, over all tabs, and a stream holds one for good: tabs that nobody sees would use them up. Answers
 * the way to end.
 */
export function whileInSight(open: () => () => void): () => void {
  let close: (() => void) | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const shut = (): void => {
    close?.()
    close = undefined
  }
  const look = (): void => {
    clearTimeout(timer)
    if (document.visibilityState === 'visible') close ??= open()
    else timer = setTimeout(shut, GRACE_MS)
  }
  document.addEventListener('visibilitychange', look)
  look()
  return () => {
    document.removeEventListener('visibilitychange', look)
    clearTimeout(timer)
    shut()
  }
}
