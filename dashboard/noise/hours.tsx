import { Button, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import type { Weekday } from '../../contract/calendar.ts'
import type { ClientHours } from '../../contract/noise.ts'
import { useProof } from '../access/proof.tsx'
import { call } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { Ago, Failure, Tag, Waiting } from '../shell/parts.tsx'
import { askNoise } from './ask.ts'
import { DAYS, readCalendar, readOpenings, writeOpenings } from './hours-text.ts'
import { Maintenance } from './maintenance.tsx'

/** A client's business hours, and its maintenance windows: now, and those that come back. */
export function Hours({ client, canChange }: { client: string; canChange: boolean }): ReactElement {
  const answer = useQuery(askNoise.hours(client))
  return (
    <div className="two">
      <div className="stack">
        {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
        {answer.isPending && <Waiting rows={6} />}
        {answer.data && <HoursForm hours={answer.data} canChange={canChange} />}
      </div>
      <Maintenance
        client={client}
        canChange={canChange}
        timeZone={answer.data?.calendar.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone}
      />
    </div>
  )
}

function HoursForm({ hours, canChange }: { hours: ClientHours; canChange: boolean }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const { client, calendar } = hours
  const [timeZone, setTimeZone] = useState(calendar.timeZone)
  const [days, setDays] = useState(
    () =>
      Object.fromEntries(DAYS.map((day) => [day, writeOpenings(calendar.hours[day])])) as Record<
        Weekday,
        string
      >,
  )
  const [holidays, setHolidays] = useState(calendar.holidays.join('\n'))
  const read = readCalendar({ timeZone, days, holidays })
  const { prove, dialog } = useProof()
  const save = useMutation({
    mutationFn: (body: NonNullable<typeof read>) =>
      prove(() => call('setHours', { params: { client }, body })),
    onSuccess: (saved) => queries.setQueryData(['hours', client], saved),
  })
  return (
    <section className="card" aria-labelledby="hours">
      {dialog}
      <div className="card-head">
        <h2 id="hours">{t('noise.hours')}</h2>
        <span className="inline small">
          <Tag tone={hours.openNow ? 'ok' : 'idle'}>
            {t(hours.openNow ? 'noise.openNow' : 'noise.closedNow')}
          </Tag>
          {hours.changesMs !== null && (
            <span className="dim">
              {t(hours.openNow ? 'noise.closes' : 'noise.opens')} <Ago ms={hours.changesMs} />
            </span>
          )}
        </span>
      </div>
      <form
        className="card-body stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (read) save.mutate(read)
        }}
      >
        <p className="dim">
          {t('noise.hoursLead')} {hours.isDefault && t('noise.hoursDefault')}
        </p>
        <div className="days">
          {DAYS.map((day) => (
            <TextInput
              key={day}
              label={t(`noise.day.${day}`)}
              placeholder={t('noise.closed')}
              readOnly={!canChange}
              value={days[day]}
              error={readOpenings(days[day]) === undefined ? t('noise.hoursRule') : undefined}
              onChange={(event) => {
                const { value } = event.currentTarget
                setDays((before) => ({ ...before, [day]: value }))
              }}
            />
          ))}
        </div>
        <TextInput
          label={t('noise.timeZone')}
          readOnly={!canChange}
          value={timeZone}
          onChange={(event) => setTimeZone(event.currentTarget.value)}
        />
        <Textarea
          label={t('noise.holidays')}
          description={t('noise.holidaysHelp')}
          rows={3}
          readOnly={!canChange}
          value={holidays}
          onChange={(event) => setHolidays(event.currentTarget.value)}
        />
        {save.isError && <Failure error={save.error} />}
        {canChange && (
          <span className="inline">
            <Button type="submit" size="xs" loading={save.isPending} disabled={read === undefined}>
              {t('noise.saveHours')}
            </Button>
            <span className="small dim" role="status">
              {save.isSuccess && t('noise.saved')}
            </span>
          </span>
        )}
      </form>
    </section>
  )
}
