import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Ago, Empty, Failure } from '../shell/parts.tsx'
import { Document } from './document.tsx'

/** The device's documents (hardware, packages, …). They come from the device: text, and nothing but text. */
export function DeviceFacts({ device }: { device: string }): ReactElement {
  const { t } = useWords()
  const answer = useQuery(ask.facts(device))
  return (
    <section className="card" aria-labelledby="inventory">
      <div className="card-head">
        <h2 id="inventory">{t('device.inventory')}</h2>
      </div>
      {answer.isError && <Failure error={answer.error} />}
      {answer.data?.length === 0 && (
        <Empty icon="reports" title={t('device.noFacts')} help={t('device.noFactsHelp')} />
      )}
      {answer.data && answer.data.length > 0 && (
        <div className="card-body documents">
          {answer.data.map((fact) => (
            <details key={fact.kind} open={fact.kind === 'hardware' || fact.kind === 'os'}>
              <summary>
                {t(`fact.${fact.kind}`)}{' '}
                <span className="dim small">
                  {t('fact.asOf')} <Ago ms={fact.timeMs} />
                </span>
              </summary>
              <Document value={fact.document} name={t(`fact.${fact.kind}`)} />
            </details>
          ))}
        </div>
      )}
    </section>
  )
}
