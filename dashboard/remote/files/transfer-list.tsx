import { Button } from '@mantine/core'
import { useSyncExternalStore, type ReactElement } from 'react'
import { formatBytes } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import type { Tone } from '../../shell/icons.tsx'
import { Failure, Tag } from '../../shell/parts.tsx'
import type { Transfer, Transfers } from './transfers.ts'

const TONES: Record<Transfer['state'], Tone> = {
  queued: 'idle',
  checking: 'info',
  running: 'info',
  paused: 'warning',
  exists: 'warning',
  done: 'ok',
  failed: 'critical',
}

/** What is on its way and what has come, newest first. */
export function TransferList({ transfers }: { transfers: Transfers }): ReactElement | null {
  const { t, language } = useWords()
  const all = useSyncExternalStore(transfers.subscribe, transfers.all)
  if (all.length === 0) return null
  return (
    <section className="card card-body stack transfers-card" aria-labelledby="transfers">
      <h2 id="transfers">{t('files.transfers')}</h2>
      <ul className="transfers">
        {[...all].reverse().map((transfer) => {
          const { id, state, bytes, size } = transfer
          const text = t('files.progress', {
            done: formatBytes(bytes, language),
            all: formatBytes(size, language),
          })
          return (
            <li key={id}>
              <div className="inline">
                <Tag tone={TONES[state]}>{t(`files.state.${state}`)}</Tag>
                <strong>
                  <bdi>{transfer.name}</bdi>
                </strong>
                <span className="dim small">
                  {t(`files.direction.${transfer.kind}`)} · {text}
                </span>
                <span className="inline transfer-acts">
                  {state === 'exists' && (
                    <Button size="compact-xs" onClick={() => transfers.replace(id)}>
                      {t('files.replace')}
                    </Button>
                  )}
                  {state === 'failed' && (
                    <Button size="compact-xs" onClick={() => transfers.again(id)}>
                      {t('files.again')}
                    </Button>
                  )}
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={t('files.of', {
                      what: t(state === 'done' || state === 'failed' ? 'files.drop' : 'files.stop'),
                      name: transfer.name,
                    })}
                    onClick={() => transfers.drop(id)}
                  >
                    {t(state === 'done' || state === 'failed' ? 'files.drop' : 'files.stop')}
                  </Button>
                </span>
              </div>
              {state !== 'done' && (
                <progress
                  value={size === 0 ? 1 : bytes}
                  max={size === 0 ? 1 : size}
                  aria-label={t('files.of', {
                    what: t(`files.direction.${transfer.kind}`),
                    name: transfer.name,
                  })}
                />
              )}
              {state === 'done' && transfer.sha256 !== null && (
                <span className="small dim">
                  {t('files.checksum')} <span className="mono checksum">{transfer.sha256}</span>
                </span>
              )}
              {transfer.error && <Failure error={transfer.error} />}
            </li>
          )
        })}
      </ul>
    </section>
  )
}
