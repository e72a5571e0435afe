import { useEffect, useRef, useState, type ReactElement } from 'react'
import { useWords } from '../../language/use-words.ts'
import type { Channel } from '../channel.ts'
import { showTerminal } from './screen-of-text.ts'

/** The terminal of one session: what it shows, what is typed, and its size. It stays while its tab is hidden. */
export function TerminalView({
  channel,
  shown,
  readAloud,
}: {
  channel: Channel
  shown: boolean
  readAloud: boolean
}): ReactElement {
  const { t } = useWords()
  const place = useRef<HTMLDivElement>(null)
  const focus = useRef<() => void>(undefined)
  const setReadAloud = useRef<(on: boolean) => void>(undefined)
  const [exit, setExit] = useState<number>()
  const label = t('remote.screenReader')
  useEffect(() => {
    const parent = place.current
    if (parent === null) return
    const { terminal, fit, dispose } = showTerminal(parent, { input: true, label, readAloud: false })
    const encoder = new TextEncoder()
    terminal.onData((text) => void channel.send('data', encoder.encode(text)))
    terminal.onBinary(
      (text) =>
        void channel.send(
          'data',
          Uint8Array.from(text, (each) => each.charCodeAt(0)),
        ),
    )
    terminal.onResize(({ cols, rows }) => {
      const payload = new Uint8Array(4)
      const view = new DataView(payload.buffer)
      view.setUint16(0, cols)
      view.setUint16(2, rows)
      void channel.send('resize', payload)
    })
    const stop = channel.listen({
      frame(type, payload) {
        // Credit for what is drawn, so that a flood waits on the device and not in this page.
        if (type === 'data') return new Promise((drawn) => terminal.write(payload, drawn))
        if (type === 'event') setExit(exitOf(payload))
      },
    })
    const watcher = new ResizeObserver(fit)
    watcher.observe(parent)
    focus.current = () => terminal.focus()
    setReadAloud.current = (on) => {
      terminal.options.screenReaderMode = on
    }
    return () => {
      watcher.disconnect()
      stop()
      dispose()
    }
  }, [channel, label])
  useEffect(() => {
    setReadAloud.current?.(readAloud)
  }, [readAloud, channel])
  useEffect(() => {
    if (shown) focus.current?.()
  }, [shown])
  return (
    <div className="terminal-place" hidden={!shown}>
      <div ref={place} className="terminal-screen" />
      {exit !== undefined && <p className="small dim">{t('remote.exit', { code: exit })}</p>}
    </div>
  )
}

function exitOf(payload: Uint8Array): number | undefined {
  const said: unknown = JSON.parse(new TextDecoder().decode(payload))
  return typeof said === 'object' && said !== null && 'exit' in said && typeof said.exit === 'number'
    ? said.exit
    : undefined
}
