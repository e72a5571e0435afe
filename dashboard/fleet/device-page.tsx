import './device.css'
import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useState, type ReactElement } from 'react'
import type { DeviceView } from '../../contract/views.ts'
import type { DevicePolicy } from '../../contract/down.ts'
import { IncidentList } from '../incident/incident-list.tsx'
import { formatExact, formatSpan } from '../language/format.ts'
import { withWords } from '../language/more-words.ts'
import { useWords } from '../language/use-words.ts'
import type { Answer } from '../api.ts'
import { ask } from '../queries.ts'
import { Answered } from '../shell/answered.tsx'
import { Ago, Empty, Fact, Failure, PageHead, severityTone, Tag, Waiting } from '../shell/parts.tsx'
import { useNow } from '../now.ts'
import { DeviceCharts, RANGES, type RangeName } from './device-charts.tsx'
import { DeviceFacts } from './device-facts.tsx'
import { LatestValues } from './latest-values.tsx'
import { DeviceStatus } from './status.tsx'

const DeviceRules = lazy(() =>
  withWords(['rule'], async () => ({ default: (await import('../rule/device-rules.tsx')).DeviceRules })),
)

const DeviceLinks = lazy(() =>
  withWords(['remote'], async () => ({ default: (await import('../remote/device-links.tsx')).DeviceLinks })),
)

/** One device: what it is, its live charts, its latest values, its inventory and its incidents. */
export function DevicePage(): ReactElement {
  const { t } = useWords()
  const { device: id } = useParams({ from: '/shell/devices/$device' })
  const answer = useQuery(ask.device(id))
  return (
    <div className="page">
      <Link to="/" className="back">
        ← {t('nav.fleet')}
      </Link>
      <Answered answer={answer} rows={8}>
        {(told) => <Device {...told} />}
      </Answered>
    </div>
  )
}

function Device({ device, policy, latest }: Answer<'device'>): ReactElement {
  const { t } = useWords()
  const [range, setRange] = useState<RangeName>('m15')
  return (
    <>
      <PageHead
        title={device.hostname}
        lead={
          <span className="inline">
            <DeviceStatus device={device} />
            {device.openIncidents > 0 && device.worstSeverity !== null && (
              <Tag tone={severityTone(device.worstSeverity)}>
                {t('device.openIncidents', { count: device.openIncidents })}
              </Tag>
            )}
            <span>
              {t('device.lastSeen')}: <Ago ms={device.lastSeenMs} />
            </span>
          </span>
        }
      >
        <SegmentedControl
          size="xs"
          aria-label={t('device.range')}
          value={range}
          onChange={(value) => {
            const name = RANGES.find((one) => one.name === value)?.name
            if (name) setRange(name)
          }}
          data={RANGES.map(({ name }) => ({ value: name, label: t(`device.ranges.${name}`) }))}
        />
      </PageHead>
      <Suspense>
        <DeviceLinks device={device.id} />
      </Suspense>
      <DeviceHeader device={device} policy={policy} />
      {latest.length === 0 ? (
        <section className="card">
          <Empty icon="health" title={t('device.noCharts')} help={t('device.noChartsHelp')} />
        </section>
      ) : (
        <DeviceCharts device={device.id} latest={latest} range={range} intervalMs={policy.intervalS * 1000} />
      )}
      <DeviceIncidents device={device.id} />
      <Suspense fallback={<Waiting rows={3} />}>
        <DeviceRules device={device.id} />
      </Suspense>
      {latest.length > 0 && <LatestValues latest={latest} />}
      <DeviceFacts device={device.id} />
    </>
  )
}

function DeviceHeader({ device, policy }: { device: DeviceView; policy: DevicePolicy }): ReactElement {
  const { t, language } = useWords()
  const now = useNow(60_000)
  return (
    <section className="card card-body" aria-label={t('device.overview')}>
      <dl className="facts">
        <Fact name={t('common.client')}>{device.client}</Fact>
        {device.site !== null && <Fact name={t('device.site')}>{device.site}</Fact>}
        <Fact name={t('device.system')} note={device.arch}>
          {device.osName}
        </Fact>
        <Fact
          name={t('device.started')}
          note={device.bootTimeMs === null ? undefined : formatExact(device.bootTimeMs, language)}
        >
          {device.bootTimeMs === null ? (
            <span className="dim">{t('common.unavailable')}</span>
          ) : (
            formatSpan(Math.max(60_000, now - device.bootTimeMs), language)
          )}
        </Fact>
        <Fact
          name={t('device.agent')}
          note={`${t('device.interval')} ${formatSpan(policy.intervalS * 1000, language)}`}
        >
          {device.agentVersion}
        </Fact>
        <Fact name={t('device.enrolled')} note={<span className="mono">{device.id}</span>}>
          <Ago ms={device.enrolledAtMs} />
        </Fact>
        {device.tags.length > 0 && <Fact name={t('device.tags')}>{device.tags.join(', ')}</Fact>}
      </dl>
    </section>
  )
}

function DeviceIncidents({ device }: { device: string }): ReactElement {
  const { t } = useWords()
  const answer = useQuery(ask.incidents({ device }))
  return (
    <section className="card" aria-labelledby="device-incidents">
      <div className="card-head">
        <h2 id="device-incidents">{t('device.incidents')}</h2>
      </div>
      {answer.isError && <Failure error={answer.error} />}
      {answer.data?.length === 0 && (
        <Empty icon="incidents" title={t('device.noIncidents')} help={t('device.noIncidentsHelp')} />
      )}
      {answer.data && answer.data.length > 0 && (
        <IncidentList incidents={answer.data.slice(0, 20)} level={3} />
      )}
    </section>
  )
}
