import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState, type ReactElement } from 'react'
import { useProof } from '../../access/proof.tsx'
import { useWords } from '../../language/use-words.ts'
import { ToneShape } from '../../shell/icons.tsx'
import { Failure, Waiting } from '../../shell/parts.tsx'
import type { Channel } from '../channel.ts'
import type { TechnicianKey } from '../key.ts'
import { openSession } from '../open.ts'
import { OpenForm } from '../page/open-form.tsx'
import { RemotePage } from '../page/remote-page.tsx'
import { SessionBar, toneOf, useChannelState } from '../session-state.tsx'

const TerminalView = lazy(async () => ({ default: (await import('./terminal-view.tsx')).TerminalView }))

/** Terminals of one device, each in a tab. They end when the page is left. */
export function TerminalPage(): ReactElement {
  const { t } = useWords()
  const { device } = useParams({ from: '/shell/devices/$device/terminal' })
  return (
    <RemotePage
      device={device}
      kind="terminal"
      lead={t('remote.recordedNote')}
      tools={
        <Link to="/remote" search={{ device }} className="button">
          {t('remote.sessions')}
        </Link>
      }
    >
      {(key) => <Terminals key={key.keyid} device={device} own={key} />}
    </RemotePage>
  )
}

/** Where this browser keeps that output is to be read aloud. */
const READ_ALOUD = 'vigia-terminal-read-aloud'

type Tab = { number: number; channel: Channel }

function Terminals({ device, own }: { device: string; own: TechnicianKey }): ReactElement {
  const { t } = useWords()
  const { prove, dialog } = useProof()
  const [tabs, setTabs] = useState<readonly Tab[]>([])
  const [chosen, setChosen] = useState(0)
  const [reason, setReason] = useState('')
  const [asks, setAsks] = useState(false)
  const [readAloud, setReadAloud] = useState(() => localStorage.getItem(READ_ALOUD) === 'on')
  const count = useRef(0)
  const opened = useRef(new Set<Channel>())
  const opening = useMutation({
    mutationFn: () => openSession({ device, kind: 'terminal', control: true, reason, key: own, prove }),
    onSuccess(channel) {
      count.current += 1
      const number = count.current
      opened.current.add(channel)
      setTabs((all) => [...all, { number, channel }])
      setChosen(number)
      setAsks(false)
    },
  })
  // Who leaves the page has ended what it opened.
  useEffect(() => {
    const all = opened.current
    return () => {
      for (const channel of all) channel.end()
    }
  }, [])
  const close = (tab: Tab): void => {
    tab.channel.end()
    opened.current.delete(tab.channel)
    const rest = tabs.filter((each) => each !== tab)
    setTabs(rest)
    if (chosen === tab.number) setChosen(rest.at(-1)?.number ?? 0)
  }
  const current = tabs.find(({ number }) => number === chosen)
  return (
    <>
      {dialog}
      {(tabs.length === 0 || asks) && (
        <OpenForm reason={reason} setReason={setReason} open={() => opening.mutate()} takesFocus>
          <Button type="submit" loading={opening.isPending}>
            {t('remote.openTerminal')}
          </Button>
        </OpenForm>
      )}
      {opening.isError && <Failure error={opening.error} />}
      {tabs.length > 0 && (
        <section className="card terminal-card">
          <div className="terminal-tabs">
            <div role="tablist" aria-label={t('remote.tabs')} className="inline">
              {tabs.map((tab) => (
                <TabHead
                  key={tab.number}
                  tab={tab}
                  chosen={tab.number === chosen}
                  choose={() => setChosen(tab.number)}
                />
              ))}
            </div>
            <Button size="compact-sm" variant="subtle" onClick={() => setAsks(!asks)} aria-expanded={asks}>
              + {t('remote.another')}
            </Button>
            <label className="check read-aloud">
              <input
                type="checkbox"
                checked={readAloud}
                onChange={(event) => {
                  localStorage.setItem(READ_ALOUD, event.currentTarget.checked ? 'on' : 'off')
                  setReadAloud(event.currentTarget.checked)
                }}
              />
              {t('remote.readAloud')}
            </label>
          </div>
          {current && <SessionBar channel={current.channel} close={() => close(current)} />}
          <Suspense fallback={<Waiting rows={4} />}>
            {tabs.map(({ number, channel }) => (
              <TerminalView key={number} channel={channel} shown={number === chosen} readAloud={readAloud} />
            ))}
          </Suspense>
        </section>
      )}
    </>
  )
}

function TabHead({ tab, chosen, choose }: { tab: Tab; chosen: boolean; choose: () => void }): ReactElement {
  const { t } = useWords()
  const tone = toneOf(useChannelState(tab.channel))
  return (
    <button
      type="button"
      role="tab"
      className="terminal-tab"
      aria-selected={chosen}
      onClick={choose}
      data-tone={tone}
    >
      <ToneShape tone={tone} />
      {t('remote.number', { number: tab.number })}
    </button>
  )
}
