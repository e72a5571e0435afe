import { Button, NativeSelect } from '@mantine/core'
import { useEffect, useMemo, useRef, useState, type ReactElement } from 'react'
import { useWords } from '../../language/use-words.ts'
import { shortenPauses, sizeOf, type Cast, type CastEvent } from './cast.ts'
import { showTerminal, type TextScreen } from './screen-of-text.ts'

const SPEEDS = [1, 2, 4, 8] as const

/** Replays a recording: play and pause, speed, and any moment of it at once. */
export function Player({ cast: whole }: { cast: Cast }): ReactElement {
  const { t } = useWords()
  const [shorten, setShorten] = useState(true)
  const cast = useMemo(() => (shorten ? shortenPauses(whole) : whole), [whole, shorten])
  const [at, setAt] = useState(0)
  const [playing, setPlaying] = useState(true)
  const [speed, setSpeed] = useState(1)
  const place = useRef<HTMLDivElement>(null)
  const screen = useRef<TextScreen>(undefined)
  const shown = useRef(0)
  const label = t('remote.screenReader')

  useEffect(() => {
    if (place.current === null) return
    const made = showTerminal(place.current, {
      input: false,
      readAloud: true,
      label,
      columns: whole.columns,
      rows: whole.rows,
    })
    screen.current = made
    shown.current = 0
    return () => made.dispose()
  }, [whole, label])

  // What has come until this moment; backwards everything is drawn anew.
  useEffect(() => {
    const terminal = screen.current?.terminal
    if (terminal === undefined) return
    const until = countUntil(cast.events, at)
    if (until < shown.current) {
      terminal.reset()
      terminal.resize(cast.columns, cast.rows)
      shown.current = 0
    }
    const from = recentFrom(cast.events, shown.current, until)
    for (const [index, event] of cast.events.slice(shown.current, until).entries()) {
      const size = event.kind === 'r' ? sizeOf(event.data) : undefined
      if (size !== undefined) terminal.resize(size.columns, size.rows)
      else if (event.kind === 'o' && shown.current + index >= from) terminal.write(event.data)
    }
    shown.current = until
  }, [cast, at])

  useEffect(() => {
    if (!playing) return
    let frame = 0
    let before = performance.now()
    const step = (nowMs: number): void => {
      const passed = ((nowMs - before) / 1000) * speed
      before = nowMs
      setAt((was) => Math.min(cast.seconds, was + Math.max(0, passed)))
      frame = requestAnimationFrame(step)
    }
    frame = requestAnimationFrame(step)
    return () => cancelAnimationFrame(frame)
  }, [playing, speed, cast.seconds])
  const ended = at >= cast.seconds
  useEffect(() => {
    if (ended) setPlaying(false)
  }, [ended])

  return (
    <div>
      <div className="recording-screen">
        <div ref={place} />
      </div>
      <div className="player">
        <Button
          size="compact-sm"
          onClick={() => {
            if (ended) setAt(0)
            setPlaying(!playing)
          }}
        >
          {playing ? t('remote.pause') : ended ? t('remote.again') : t('remote.play')}
        </Button>
        <input
          type="range"
          aria-label={t('remote.position')}
          aria-valuetext={clockOf(at)}
          min={0}
          // A whole number of steps, else the end could not be reached.
          max={Math.max(1, Math.ceil(cast.seconds * 10)) / 10}
          step={0.1}
          value={at}
          onChange={(event) => setAt(event.currentTarget.valueAsNumber)}
        />
        <span className="mono">
          {clockOf(at)} / {clockOf(cast.seconds)}
        </span>
        <NativeSelect
          size="xs"
          aria-label={t('remote.speed')}
          value={String(speed)}
          onChange={(event) => setSpeed(Number(event.currentTarget.value))}
          data={SPEEDS.map((value) => ({ value: String(value), label: `${String(value)} ×` }))}
        />
        <label className="check">
          <input
            type="checkbox"
            checked={shorten}
            onChange={(event) => {
              setShorten(event.currentTarget.checked)
              setAt(0)
            }}
          />
          {t('remote.pauses')}
        </label>
      </div>
    </div>
  )
}

/** A jump over more than this draws its end only: what was before has left the screen, and takes long. */
const MOST_DRAWN = 4 * 1024 * 1024

/** From which event on the output is drawn. */
function recentFrom(events: readonly CastEvent[], from: number, until: number): number {
  let length = 0
  for (let at = until - 1; at >= from; at--) {
    length += events[at]?.data.length ?? 0
    if (length > MOST_DRAWN) return at
  }
  return from
}

/** How many events are not after this moment. */
function countUntil(events: readonly CastEvent[], at: number): number {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((events[middle]?.at ?? 0) <= at) low = middle + 1
    else high = middle
  }
  return low
}

function clockOf(seconds: number): string {
  const whole = Math.floor(seconds)
  return `${String(Math.floor(whole / 60))}:${String(whole % 60).padStart(2, '0')}`
}
