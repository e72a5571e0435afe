import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import type { Silence } from '../../contract/noise.ts'
import { useProof } from '../access/proof.tsx'
import { call } from '../api.ts'
import { formatExact, formatSpan } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { useNow } from '../now.ts'
import { ask } from '../queries.ts'
import { Empty, Failure, Tag, Waiting } from '../shell/parts.tsx'
import { askNoise } from './ask.ts'
import type { NoiseSearch } from './parts.ts'
import { SilenceForm } from './silence-form.tsx'

/** Silences that are in force or to come, and the form of a new one; what led here stands in it already. */
export function Silences({ about, canChange }: { about: NoiseSearch; canChange: boolean }): ReactElement {
  const { t } = useWords()
  const [all, setAll] = useState(false)
  const answer = useQuery(askNoise.silences({ ...(about.client ? { client: about.client } : {}), all }))
  const list = answer.data ?? []
  return (
    <div className="two">
      <section className="card" aria-labelledby="silences">
        <div className="card-head">
          <h2 id="silences">{t('noise.silences')}</h2>
          <label className="check small">
            <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />
            {t('noise.alsoOver')}
          </label>
        </div>
        <div className="card-body stack">
          {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
          {answer.isPending && <Waiting rows={3} />}
          {answer.data && list.length === 0 && (
            <Empty icon="noise" title={t('noise.noSilence')} help={t('noise.noSilenceHelp')} />
          )}
          <ul className="rows">
            {list.map((silence) => (
              <Row key={silence.id} silence={silence} canChange={canChange} />
            ))}
          </ul>
        </div>
      </section>
      {canChange && <SilenceForm about={about} />}
    </div>
  )
}

function Row({ silence, canChange }: { silence: Silence; canChange: boolean }): ReactElement {
  const { t, language } = useWords()
  const queries = useQueryClient()
  const now = useNow(60_000)
  const devices = useQuery(ask.devices())
  const { prove, dialog } = useProof()
  const end = useMutation({
    mutationFn: () => prove(() => call('endSilence', { params: { id: silence.id } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['silences'] }),
  })
  const over = silence.endsAtMs <= now
  const ahead = silence.startsAtMs > now
  const { device, labels = {}, ...others } = silence.matchers
  const hostname = devices.data?.find(({ id }) => id === device)?.hostname ?? device
  const parts = [
    ...(device === undefined ? [] : [`${t('noise.field.device')} ${hostname}`]),
    ...Object.entries(others).map(
      ([field, text]) => `${t(`noise.field.${field as keyof typeof others}`)} ${text}`,
    ),
    ...Object.entries(labels).map(([name, text]) => `${name} ${text}`),
  ]
  return (
    <li>
      {dialog}
      <div className="inline">
        <Tag tone={over ? 'idle' : ahead ? 'info' : 'warning'}>
          {t(over ? 'noise.over' : ahead ? 'noise.ahead' : 'noise.inForce')}
        </Tag>
        <strong>{parts.length === 0 ? t('noise.everything') : parts.join(' · ')}</strong>
        <span className="dim small">{silence.client ?? t('common.allClients')}</span>
        {canChange && !over && (
          <Button
            className="row-act"
            size="compact-xs"
            variant="default"
            loading={end.isPending}
            aria-label={`${t('noise.end')}: ${silence.reason}`}
            onClick={() => end.mutate()}
          >
            {t('noise.end')}
          </Button>
        )}
      </div>
      <p>{silence.reason}</p>
      <p className="dim small">
        {ahead
          ? t('noise.fromTo', {
              from: formatExact(silence.startsAtMs, language),
              to: formatExact(silence.endsAtMs, language),
            })
          : over
            ? t('noise.overSince', { when: formatExact(silence.endsAtMs, language) })
            : t('noise.until', {
                when: formatExact(silence.endsAtMs, language),
                span: formatSpan(Math.max(60_000, silence.endsAtMs - now), language),
              })}{' '}
        · {silence.createdBy}
      </p>
      {end.isError && <Failure error={end.error} />}
    </li>
  )
}
