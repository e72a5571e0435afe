import type { RawChannel } from '@novnc/novnc'
import type { Channel } from '../channel.ts'

/** What the device says of a screen session when it begins (frame `event`): contract of agent/remote/kinds/screen.ts. */
export type ScreenTerms = { control: boolean; clipboard: 'none' | 'to-device' | 'from-device' | 'both' }

/** A session as noVNC wants its socket. `terms` is told what the device allows. */
export function screenChannel(channel: Channel, terms: (terms: ScreenTerms) => void): RawChannel {
  let stop = (): void => undefined
  const over = (): boolean => {
    const { phase } = channel.state()
    return phase === 'closed' || phase === 'refused'
  }
  const raw: RawChannel = {
    binaryType: 'arraybuffer',
    protocol: '',
    get readyState() {
      return over() ? 'closed' : channel.state().phase === 'open' ? 'open' : 'connecting'
    },
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
    send(data) {
      // noVNC writes into the same memory again.
      void channel.send('data', Uint8Array.from(data))
    },
    close() {
      stop()
      channel.end()
    },
  }
  let unlisten = (): void => undefined
  let stopped = false
  // What has come already is handed on at once: noVNC must have taken its place first.
  queueMicrotask(() => {
    if (stopped) return
    unlisten = channel.listen({
      frame(type, payload) {
        if (type === 'data') raw.onmessage?.({ data: Uint8Array.from(payload).buffer })
        else if (type === 'event') terms(JSON.parse(new TextDecoder().decode(payload)) as ScreenTerms)
      },
    })
  })
  const unwatch = channel.watch(() => {
    if (!over()) return
    stop()
    raw.onclose?.({ code: 1000, reason: channel.state().why ?? '' })
  })
  stop = () => {
    stopped = true
    unlisten()
    unwatch()
  }
  return raw
}
