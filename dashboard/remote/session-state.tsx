import { Button } from '@mantine/core'
import { useSyncExternalStore, type ReactElement } from 'react'
import { useWords } from '../language/use-words.ts'
import type { Tone } from '../shell/icons.tsx'
import { Tag } from '../shell/parts.tsx'
import { remoteEn } from '../language/remote/en.ts'
import type { Channel, ChannelState } from './channel.ts'

/** The state of a session as it changes; the frames are for whoever `listen`s. */
export function useChannelState(channel: Channel): ChannelState {
  return useSyncExternalStore(channel.watch, channel.state)
}

/** How a session stands, in words; the code to read out; and the way to end it. */
export function SessionBar({
  channel,
  close,
}: {
  channel: Channel
  /** Takes an ended session out of the page, where there is more than one. */
  close?: () => void
}): ReactElement {
  const { t } = useWords()
  const why = useWhy()
  const state = useChannelState(channel)
  const phase = state.interrupted ? 'interrupted' : state.phase
  const over = state.phase === 'closed' || state.phase === 'refused'
  return (
    <div className="session-bar">
      <span className="inline" role="status">
        <Tag tone={toneOf(state)}>{t(`remote.phase.${phase}`)}</Tag>
        {state.why !== null && <span>{why(state.why)}</span>}
        {state.message !== null && saysMore(state.why) && (
          <span className="dim small" lang="en">
            {state.message}
          </span>
        )}
        {state.dropped > 0 && <Tag tone="critical">{t('remote.dropped', { count: state.dropped })}</Tag>}
      </span>
      <span className="inline">
        {state.code !== null && !over && (
          <span className="spoken" title={t('remote.codeHelp')}>
            {t('remote.code')} <strong className="spoken-code">{spaced(state.code)}</strong>
          </span>
        )}
        {over && close !== undefined && (
          <Button size="compact-sm" variant="default" onClick={close}>
            {t('remote.close')}
          </Button>
        )}
        {!over && (
          <Button size="compact-sm" color="red" variant="light" onClick={() => channel.end()}>
            {t('remote.end')}
          </Button>
        )}
      </span>
    </div>
  )
}

/** Why a session ended, in words. */
export function useWhy(): (code: string) => string {
  const { t } = useWords()
  return (code) => (isKnown(code) ? t(`remote.why.${code}`) : t('remote.why.other', { code }))
}

/** The tone of how a session stands. */
export function toneOf(state: Pick<ChannelState, 'phase' | 'interrupted'>): Tone {
  if (state.interrupted) return 'warning'
  switch (state.phase) {
    case 'requested':
    case 'asking':
      return 'info'
    case 'open':
      return 'ok'
    case 'refused':
      return 'critical'
    case 'closed':
      return 'idle'
    default:
      return state.phase satisfies never
  }
}

/** Known ends whose message tells what their words do not: how long, or what is missing. */
const SAY_MORE = new Set(['idle', 'limit', 'REMOTE_FORBIDDEN', 'REMOTE_UNAVAILABLE'])

function saysMore(why: string | null): boolean {
  return why === null || SAY_MORE.has(why) || !isKnown(why)
}

type Why = Exclude<keyof typeof remoteEn.remote.why, 'other'>

function isKnown(code: string): code is Why {
  return code !== 'other' && Object.hasOwn(remoteEn.remote.why, code)
}

function spaced(code: string): string {
  return `${code.slice(0, 3)} ${code.slice(3)}`
}
