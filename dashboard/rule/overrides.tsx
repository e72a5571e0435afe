import type { ReactElement } from 'react'
import type { OverrideView } from '../../contract/rule-views.ts'
import { useWords } from '../language/use-words.ts'
import { Place, valueOf } from './coverage.tsx'

/** Overrides in the order in which they apply: whom each is for, what it sets, why and where it stands. */
export function Overrides({ overrides }: { overrides: readonly OverrideView[] }): ReactElement {
  const { t } = useWords()
  return (
    <section className="card" aria-labelledby="overrides">
      <h2 id="overrides">{t('rule.overrides')}</h2>
      <div className="card-body">
        <OverrideList overrides={overrides} />
      </div>
    </section>
  )
}

/** The same as a list, for a place with a heading of its own. */
export function OverrideList({ overrides }: { overrides: readonly OverrideView[] }): ReactElement {
  const { t } = useWords()
  return (
    <ol className="overrides">
      {overrides.map((override, index) => (
        <li key={index}>
          <div className="inline">
            <strong>
              {Object.entries(override.scope)
                .map(([kind, name]) => `${t(`rule.scope.${kind as keyof OverrideView['scope']}`)} ${name}`)
                .join(', ')}
            </strong>
            <span className="mono">
              {Object.entries(override.set)
                .map(([field, value]) => `${field}: ${valueOf(value)}`)
                .join(', ')}
            </span>
          </div>
          <p className="small dim">
            {override.reason} · <Place file={override.file} line={override.line} />
          </p>
        </li>
      ))}
    </ol>
  )
}
