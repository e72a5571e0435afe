import { TextInput } from '@mantine/core'
import { useState, type ReactElement } from 'react'
import type { LatestValue } from '../../contract/views.ts'
import { en } from '../language/en.ts'
import { seriesName } from '../language/format.ts'
import { metricName } from '../language/names/metrics.ts'
import { useValueText, useWords } from '../language/use-words.ts'
import { Ago } from '../shell/parts.tsx'

/** Values that are so much older than the newest say when they are of. */
const STALE_MS = 90_000

type Group = keyof typeof en.group

/** Every value that the device reports, by group. What could not be read is said to be unavailable. */
export function LatestValues({ latest }: { latest: readonly LatestValue[] }): ReactElement {
  const { t, language } = useWords()
  const [filter, setFilter] = useState('')
  const wanted = filter.trim().toLowerCase()
  const shown = latest.filter((value) =>
    wanted === ''
      ? isWorthARow(value)
      : [value.metric, metricName(value.metric, language), seriesName(value.labels)]
          .join(' ')
          .toLowerCase()
          .includes(wanted),
  )
  const groups = Map.groupBy(shown, (value) => groupOf(value.metric))
  const newestMs = Math.max(0, ...latest.map((value) => value.timeMs))
  const order = Object.keys(en.group) as Group[]
  return (
    <section className="card" aria-labelledby="latest-values">
      <div className="card-head">
        <h2 id="latest-values">
          {t('device.latest')}{' '}
          <span className="dim small plain">
            <Ago ms={newestMs} />
          </span>
        </h2>
        <TextInput
          size="xs"
          type="search"
          aria-label={t('device.latestFilter')}
          placeholder={t('device.latestFilter')}
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
        />
      </div>
      <div className="card-body value-groups">
        {order.map((group) => {
          const values = groups.get(group)
          return (
            values && (
              <ValueGroup key={group} name={t(`group.${group}`)} values={values} newestMs={newestMs} />
            )
          )
        })}
      </div>
    </section>
  )
}

function ValueGroup({
  name,
  values,
  newestMs,
}: {
  name: string
  values: readonly LatestValue[]
  newestMs: number
}): ReactElement {
  const { t, language } = useWords()
  const valueText = useValueText()
  return (
    <div className="value-group">
      <table>
        <caption>{name}</caption>
        <thead className="sr-only">
          <tr>
            <th scope="col">{t('device.metric')}</th>
            <th scope="col">{t('device.value')}</th>
          </tr>
        </thead>
        <tbody>
          {values.map((value) => {
            const of = seriesName(value.labels)
            return (
              <tr key={`${value.metric} ${of}`}>
                <th scope="row" title={value.metric}>
                  {metricName(value.metric, language)}
                  {of !== '' && <span className="dim"> · {of}</span>}
                </th>
                <td className={value.value === null ? 'dim' : undefined}>
                  {valueText(value.value, value.unit)}
                  {newestMs - value.timeMs > STALE_MS && (
                    <span className="dim small stale">
                      <Ago ms={value.timeMs} />
                    </span>
                  )}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

/** A collector that works is no news; one that fails is. The filter finds both. */
function isWorthARow(value: LatestValue): boolean {
  return value.metric !== 'agent.collector_failed' || value.value !== 0
}

function groupOf(metric: string): Group {
  const prefix = metric.split('.')[0] ?? ''
  return Object.hasOwn(en.group, prefix) ? (prefix as Group) : 'other'
}
