import { TextInput } from '@mantine/core'
import { useState, type ReactElement } from 'react'
import type { LatestValue } from '../../contract/http.ts'
import { en } from '../language/en.ts'
import { seriesName } from '../language/format.ts'
import { metricName } from '../language/metric-names.ts'
import { useValueText, useWords } from '../language/use-words.ts'
import { Ago } from '../shell/parts.tsx'

type Group = keyof typeof en.group

/** Every value that the device reports, by group. What could not be read is said to be unavailable. */
export function LatestValues({ latest }: { latest: readonly LatestValue[] }): ReactElement {
  const { t, language } = useWords()
  const [filter, setFilter] = useState('')
  const wanted = filter.trim().toLowerCase()
  const shown = latest.filter(
    (value) =>
      wanted === '' ||
      `${value.metric} ${metricName(value.metric, language)} ${seriesName(value.labels)}`
        .toLowerCase()
        .includes(wanted),
  )
  const groups = Map.groupBy(shown, (value) => groupOf(value.metric))
  const order = Object.keys(en.group) as Group[]
  return (
    <section className="card" aria-labelledby="latest-values">
      <div className="card-head">
        <h2 id="latest-values">{t('device.latest')}</h2>
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
          return values && <ValueGroup key={group} name={t(`group.${group}`)} values={values} />
        })}
      </div>
    </section>
  )
}

function ValueGroup({ name, values }: { name: string; values: readonly LatestValue[] }): ReactElement {
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
            <th scope="col">{t('device.time')}</th>
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
                <td className={value.value === null ? 'number dim' : 'number'}>
                  {valueText(value.value, value.unit)}
                </td>
                <td className="number dim small">
                  <Ago ms={value.timeMs} />
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function groupOf(metric: string): Group {
  const prefix = metric.split('.')[0] ?? ''
  return Object.hasOwn(en.group, prefix) ? (prefix as Group) : 'other'
}
