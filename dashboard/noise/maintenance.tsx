import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import type { Weekday } from '../../contract/calendar.ts'
import { useProof } from '../access/proof.tsx'
import { call } from '../api.ts'
import { formatExact, formatSpan } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Ago, Failure, Tag } from '../shell/parts.tsx'
import { askNoise } from './ask.ts'
import { DAYS, isClock } from './hours-text.ts'

/** Maintenance windows of a client: those of now and those that come back, each of which can be ended. */
export function Maintenance({
  client,
  timeZone,
  canChange,
}: {
  client: string
  timeZone: string
  canChange: boolean
}): ReactElement {
  const { t, language } = useWords()
  const queries = useQueryClient()
  const windows = useQuery(askNoise.windows(client))
  const schedules = useQuery(askNoise.schedules(client))
  const again = (): Promise<unknown> =>
    Promise.all(
      ['maintenance', 'maintenance-schedules'].map((key) => queries.invalidateQueries({ queryKey: [key] })),
    )
  const { prove, dialog } = useProof()
  const endWindow = useMutation({
    mutationFn: (id: string) => prove(() => call('endMaintenance', { params: { id } })),
    onSuccess: again,
  })
  const endSchedule = useMutation({
    mutationFn: (id: string) => prove(() => call('endMaintenanceSchedule', { params: { id } })),
    onSuccess: again,
  })
  const scope = (one: {
    device: string | null
    site?: string | null | undefined
    tag?: string | null | undefined
  }): string =>
    [
      one.site == null ? undefined : `${t('noise.field.site')} ${one.site}`,
      one.tag == null ? undefined : `${t('noise.field.tag')} ${one.tag}`,
      one.device === null ? undefined : `${t('noise.field.device')} ${one.device}`,
    ]
      .filter((part) => part !== undefined)
      .join(' · ') || t('noise.wholeClient')
  const failed = endWindow.error ?? endSchedule.error ?? windows.error ?? schedules.error
  return (
    <section className="card" aria-labelledby="maintenance">
      {dialog}
      <h2 id="maintenance">{t('noise.maintenance')}</h2>
      <div className="card-body stack">
        <p className="dim">{t('noise.maintenanceLead')}</p>
        {failed && <Failure error={failed} />}
        <ul className="rows">
          {windows.data?.map((window) => (
            <li key={window.id}>
              <div className="inline">
                <Tag tone="warning">{t('noise.once')}</Tag>
                <strong>{scope(window)}</strong>
                {canChange && (
                  <Button
                    className="row-act"
                    size="compact-xs"
                    variant="default"
                    aria-label={`${t('noise.end')}: ${window.reason}`}
                    onClick={() => endWindow.mutate(window.id)}
                  >
                    {t('noise.end')}
                  </Button>
                )}
              </div>
              <p>{window.reason}</p>
              <p className="dim small">
                {t('noise.fromTo', {
                  from: formatExact(window.startsAtMs, language),
                  to: formatExact(window.endsAtMs, language),
                })}{' '}
                · {window.createdBy}
              </p>
            </li>
          ))}
          {schedules.data?.map((schedule) => (
            <li key={schedule.id}>
              <div className="inline">
                <Tag tone="info">{t('noise.recurring')}</Tag>
                <strong>{scope(schedule)}</strong>
                {canChange && (
                  <Button
                    className="row-act"
                    size="compact-xs"
                    variant="default"
                    aria-label={`${t('noise.end')}: ${schedule.reason}`}
                    onClick={() => endSchedule.mutate(schedule.id)}
                  >
                    {t('noise.end')}
                  </Button>
                )}
              </div>
              <p>{schedule.reason}</p>
              <p className="dim small">
                {schedule.recurrence.weekdays.map((day) => t(`noise.day.${day}`)).join(', ')}
                {schedule.recurrence.weeks.length > 0 &&
                  ` (${t('noise.weeks', { weeks: schedule.recurrence.weeks.join(', ') })})`}
                , {schedule.recurrence.from} · {formatSpan(schedule.recurrence.minutes * 60_000, language)} ·{' '}
                {schedule.recurrence.timeZone}
                {schedule.nextMs !== null && (
                  <>
                    {' '}
                    · {t('noise.next')} <Ago ms={schedule.nextMs} />
                  </>
                )}
              </p>
            </li>
          ))}
        </ul>
        {windows.data?.length === 0 && schedules.data?.length === 0 && (
          <p className="dim">{t('noise.noMaintenance')}</p>
        )}
        {canChange && <NewSchedule client={client} timeZone={timeZone} onAdded={again} />}
      </div>
    </section>
  )
}

function NewSchedule({
  client,
  timeZone,
  onAdded,
}: {
  client: string
  timeZone: string
  onAdded: () => Promise<unknown>
}): ReactElement {
  const { t } = useWords()
  const devices = useQuery(ask.devices())
  const [days, setDays] = useState<readonly Weekday[]>(['sun'])
  const [device, setDevice] = useState('')
  const [from, setFrom] = useState('02:00')
  const [minutes, setMinutes] = useState('120')
  const [reason, setReason] = useState('')
  const length = Number(minutes)
  const ready =
    days.length > 0 &&
    isClock(from) &&
    Number.isInteger(length) &&
    length >= 1 &&
    length <= 2880 &&
    reason.trim() !== ''
  const { prove, dialog } = useProof()
  const add = useMutation({
    mutationFn: () => {
      const weekdays = DAYS.filter((day) => days.includes(day))
      const body = {
        ...{ client, device: device === '' ? null : device, reason: reason.trim() },
        recurrence: { timeZone, weekdays, from, minutes: length },
      }
      return prove(() => call('addMaintenanceSchedule', { body }))
    },
    onSuccess: async () => {
      setReason('')
      await onAdded()
    },
  })
  return (
    <details className="new-schedule">
      <summary>{t('noise.newSchedule')}</summary>
      {dialog}
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          add.mutate()
        }}
      >
        <fieldset className="weekdays">
          <legend>{t('noise.weekdays')}</legend>
          {DAYS.map((day) => (
            <label key={day} className="check">
              <input
                type="checkbox"
                checked={days.includes(day)}
                onChange={(event) => {
                  const { checked } = event.currentTarget
                  setDays((before) => (checked ? [...before, day] : before.filter((one) => one !== day)))
                }}
              />
              {t(`noise.day.${day}`)}
            </label>
          ))}
        </fieldset>
        <div className="fields">
          <TextInput
            label={t('noise.from')}
            value={from}
            error={isClock(from) ? undefined : t('noise.clockRule')}
            onChange={(event) => setFrom(event.currentTarget.value)}
          />
          <TextInput
            label={t('noise.minutes')}
            type="number"
            min={1}
            max={2880}
            value={minutes}
            onChange={(event) => setMinutes(event.currentTarget.value)}
          />
          <NativeSelect
            label={t('common.device')}
            value={device}
            onChange={(event) => setDevice(event.currentTarget.value)}
            data={[
              { value: '', label: t('noise.wholeClient') },
              ...(devices.data ?? [])
                .filter((one) => one.client === client)
                .map(({ id, hostname }) => ({ value: id, label: hostname })),
            ]}
          />
        </div>
        <TextInput
          label={t('noise.reason')}
          required
          maxLength={300}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {add.isError && <Failure error={add.error} />}
        <span>
          <Button type="submit" size="xs" loading={add.isPending} disabled={!ready}>
            {t('noise.addSchedule')}
          </Button>
        </span>
      </form>
    </details>
  )
}
