import { Button, NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import type { ROUTES } from '../../contract/http.ts'
import type { Language } from '../language/language.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Empty, Failure, PageHead, Waiting } from '../shell/parts.tsx'

const REPORT_PATH: (typeof ROUTES)['report']['path'] = '/api/reports/:client/:month'
const MONTHS = 13

/** A client's month as a page, as PDF or as data; the server draws all three from one model. */
export function ReportsPage(): ReactElement {
  const { t, language } = useWords()
  const clients = useQuery(ask.clients())
  const months = lastMonths(new Date())
  const [client, setClient] = useState<string>()
  const [month, setMonth] = useState(months[0] ?? '')
  const [wanted, setWanted] = useState<Language>()
  const list = clients.data?.clients ?? []
  const chosen = client ?? list[0]?.id
  const link = (format: 'html' | 'pdf' | 'json'): string =>
    `${REPORT_PATH.replace(':client', encodeURIComponent(chosen ?? '')).replace(':month', month)}?format=${format}&language=${wanted ?? language}`
  return (
    <div className="page">
      <PageHead title={t('report.title')} lead={t('report.lead')} />
      {clients.isError && <Failure error={clients.error} again={() => void clients.refetch()} />}
      {clients.isPending && <Waiting rows={3} />}
      {clients.isSuccess && list.length === 0 && (
        <div className="card">
          <Empty
            icon="reports"
            title={t('report.noClients')}
            help={t('report.noClientsHelp')}
            command="npx vigia client add demo --name Demo"
          />
        </div>
      )}
      {chosen !== undefined && (
        <section className="card card-body stack" aria-label={t('report.title')}>
          <div className="page-tools">
            <NativeSelect
              label={t('report.client')}
              value={chosen}
              onChange={(event) => setClient(event.currentTarget.value)}
              data={list.map(({ id, name }) => ({ value: id, label: name }))}
            />
            <NativeSelect
              label={t('report.month')}
              value={month}
              onChange={(event) => setMonth(event.currentTarget.value)}
              data={months.map((value) => ({ value, label: monthName(value, language) }))}
            />
            <NativeSelect
              label={t('report.language')}
              value={wanted ?? language}
              onChange={(event) => setWanted(event.currentTarget.value === 'es' ? 'es' : 'en')}
              data={[
                { value: 'en', label: 'English' },
                { value: 'es', label: 'Español' },
              ]}
            />
          </div>
          {month === months[0] && <p className="dim">{t('report.running')}</p>}
          <div className="inline">
            <Button component="a" href={link('html')} target="_blank" rel="noreferrer">
              {t('report.open')}
            </Button>
            <Button
              component="a"
              href={link('pdf')}
              variant="default"
              download={`vigia-${chosen}-${month}.pdf`}
            >
              {t('report.pdf')}
            </Button>
            <Button
              component="a"
              href={link('json')}
              variant="default"
              download={`vigia-${chosen}-${month}.json`}
            >
              {t('report.data')}
            </Button>
          </div>
        </section>
      )}
    </div>
  )
}

/** This month and the twelve before it, as YYYY-MM. */
function lastMonths(today: Date): string[] {
  return Array.from({ length: MONTHS }, (_, index) => {
    const first = new Date(today.getFullYear(), today.getMonth() - index, 1)
    return `${first.getFullYear()}-${String(first.getMonth() + 1).padStart(2, '0')}`
  })
}

function monthName(month: string, language: Language): string {
  const [year, index] = month.split('-').map(Number)
  const name = new Intl.DateTimeFormat(language, { month: 'long', year: 'numeric' }).format(
    new Date(year ?? 1970, (index ?? 1) - 1, 1),
  )
  return name.charAt(0).toUpperCase() + name.slice(1)
}
