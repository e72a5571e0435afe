import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import type { Severity } from '../../contract/rules.ts'
import { useProof } from '../access/proof.tsx'
import { call } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Failure } from '../shell/parts.tsx'
import type { NoiseSearch } from './parts.ts'

const HOUR_MS = 3_600_000
const HOURS = [1, 4, 24, 72, 168] as const
const SEVERITIES: readonly Severity[] = ['info', 'warning', 'critical']

/** A new silence: what it is about, how long, and why. Nothing is silenced without a reason. */
export function SilenceForm({ about }: { about: NoiseSearch }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const clients = useQuery(ask.clients())
  const devices = useQuery(ask.devices())
  const [client, setClient] = useState(about.client ?? '')
  const [device, setDevice] = useState(about.device ?? '')
  const [words, setWords] = useState({ rule: about.rule ?? '', site: '', tag: '' })
  const [severity, setSeverity] = useState('')
  const [hours, setHours] = useState(4)
  const [reason, setReason] = useState('')
  const { prove, dialog } = useProof()
  const add = useMutation({
    mutationFn: () => {
      const nowMs = Date.now()
      const grave = SEVERITIES.find((one) => one === severity)
      const body = {
        client: client === '' ? null : client,
        matchers: {
          ...(device === '' ? {} : { device }),
          ...Object.fromEntries(
            Object.entries(words).flatMap(([name, text]) =>
              text.trim() === '' ? [] : [[name, text.trim()]],
            ),
          ),
          ...(grave ? { severity: grave } : {}),
        },
        startsAtMs: nowMs,
        endsAtMs: nowMs + hours * HOUR_MS,
        reason: reason.trim(),
      }
      return prove(() => call('addSilence', { body }))
    },
    onSuccess: async () => {
      setReason('')
      await queries.invalidateQueries({ queryKey: ['silences'] })
    },
  })
  const offered = (devices.data ?? []).filter((one) => client === '' || one.client === client)
  const wide = device === '' && Object.values(words).every((text) => text.trim() === '')
  return (
    <section className="card" aria-labelledby="new-silence">
      {dialog}
      <h2 id="new-silence">{t('noise.newSilence')}</h2>
      <form
        className="card-body stack"
        onSubmit={(event) => {
          event.preventDefault()
          add.mutate()
        }}
      >
        <p className="dim">{t('noise.newSilenceLead')}</p>
        <div className="fields">
          <NativeSelect
            label={t('common.client')}
            value={client}
            onChange={(event) => {
              setClient(event.currentTarget.value)
              setDevice('')
            }}
            data={[
              { value: '', label: t('common.allClients') },
              ...(clients.data?.clients ?? []).map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
          <NativeSelect
            label={t('common.device')}
            value={device}
            onChange={(event) => setDevice(event.currentTarget.value)}
            data={[
              { value: '', label: t('noise.anyDevice') },
              ...offered.map(({ id, hostname }) => ({ value: id, label: hostname })),
            ]}
          />
          {(['rule', 'site', 'tag'] as const).map((field) => (
            <TextInput
              key={field}
              label={t(`noise.fieldLabel.${field}`)}
              placeholder={t('noise.any')}
              maxLength={200}
              value={words[field]}
              onChange={(event) => {
                const { value } = event.currentTarget
                setWords((before) => ({ ...before, [field]: value }))
              }}
            />
          ))}
          <NativeSelect
            label={t('noise.severity')}
            value={severity}
            onChange={(event) => setSeverity(event.currentTarget.value)}
            data={[
              { value: '', label: t('noise.any') },
              ...SEVERITIES.map((value) => ({ value, label: t(`severity.${value}`) })),
            ]}
          />
          <NativeSelect
            label={t('noise.howLong')}
            value={String(hours)}
            onChange={(event) => setHours(Number(event.currentTarget.value))}
            data={HOURS.map((count) => ({ value: String(count), label: t(`noise.span.h${count}`) }))}
          />
        </div>
        {wide && (
          <p className="small" role="status">
            {t('noise.wide')}
          </p>
        )}
        <TextInput
          label={t('noise.reason')}
          description={t('noise.reasonHelp')}
          required
          maxLength={300}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {add.isError && <Failure error={add.error} />}
        <span className="inline">
          <Button type="submit" size="xs" loading={add.isPending} disabled={reason.trim() === ''}>
            {t('noise.add')}
          </Button>
          <span className="small dim" role="status">
            {add.isSuccess && t('noise.added')}
          </span>
        </span>
      </form>
    </section>
  )
}
