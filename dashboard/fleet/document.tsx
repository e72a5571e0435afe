import type { ReactElement } from 'react'
import { formatBytes, formatExact, formatNumber } from '../language/format.ts'
import { factName } from '../language/names/facts.ts'
import { useWords } from '../language/use-words.ts'

const ROWS = 60
const DEPTH = 5
/** Times in documents are Unix milliseconds; smaller numbers under such a name are not. */
const YEAR_2001_MS = 978_307_200_000

/**
 * Draws any document that a device sent: an object as names and values, a list of objects as a table, everything
 * else as text. Bounded in rows and depth, since the sender is not trusted.
 */
export function Document({
  value,
  name,
  depth = 0,
}: {
  value: unknown
  name: string
  depth?: number
}): ReactElement {
  const { t } = useWords()
  if (Array.isArray(value)) {
    const list = value as unknown[]
    if (list.length === 0) return <span className="dim">{t('fact.nothing')}</span>
    if (list.every(isRecord)) return <Rows rows={list} name={name} depth={depth} />
    return <Scalar name={name} value={list.slice(0, ROWS).map(asText).join(', ')} rest={list.length - ROWS} />
  }
  if (!isRecord(value) || depth >= DEPTH) return <Scalar name={name} value={value} rest={0} />
  const entries = Object.entries(value)
  if (entries.length === 0) return <span className="dim">{t('fact.nothing')}</span>
  return (
    <dl className="document">
      {entries.slice(0, ROWS).map(([key, each]) => (
        <Entry key={key} name={key} value={each} depth={depth} />
      ))}
    </dl>
  )
}

function Entry({ name, value, depth }: { name: string; value: unknown; depth: number }): ReactElement {
  const { language } = useWords()
  const wide = typeof value === 'object' && value !== null
  return (
    <div className={wide ? 'wide' : undefined}>
      <dt>{factName(name, language)}</dt>
      <dd>
        <Document value={value} name={name} depth={depth + 1} />
      </dd>
    </div>
  )
}

function Rows({
  rows,
  name,
  depth,
}: {
  rows: readonly Record<string, unknown>[]
  name: string
  depth: number
}): ReactElement {
  const { t, language } = useWords()
  const columns = [...new Set(rows.slice(0, ROWS).flatMap((row) => Object.keys(row)))].slice(0, 12)
  return (
    <div className="table-wrap" tabIndex={0} role="region" aria-label={factName(name, language)}>
      <table className="table small">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {factName(column, language)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, ROWS).map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column}>
                  <Document value={row[column] ?? null} name={column} depth={depth + 1} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > ROWS && <p className="dim small">{t('common.more', { count: rows.length - ROWS })}</p>}
    </div>
  )
}

function Scalar({ name, value, rest }: { name: string; value: unknown; rest: number }): ReactElement {
  const { t, language } = useWords()
  if (value === null || value === undefined || value === '')
    return <span className="dim">{t('common.unavailable')}</span>
  if (typeof value === 'boolean') return <>{value ? t('common.yes') : t('common.no')}</>
  if (typeof value === 'number') {
    if (/bytes$|^size$/i.test(name)) return <>{formatBytes(value, language)}</>
    if (/(at|time|since)?ms$/i.test(name) && value > YEAR_2001_MS) return <>{formatExact(value, language)}</>
    if (/percent$/i.test(name)) return <>{formatNumber(value, language)} %</>
    // Ports, identifiers and years are names, not amounts: no grouping.
    return <>{/^(pid|ppid|uid|gid|port|id|year)$/i.test(name) ? value : formatNumber(value, language, 2)}</>
  }
  return (
    <>
      {asText(value)}
      {rest > 0 && ` ${t('common.more', { count: rest })}`}
    </>
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value
  return JSON.stringify(value) ?? ''
}
