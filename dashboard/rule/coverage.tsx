import './rule.css'
import type { ReactElement } from 'react'
import type { CoverageState } from '../../contract/coverage.ts'
import type { CoverageCounts } from '../../contract/rule-views.ts'
import { tellServer } from '../language/server/sentences.ts'
import { useWords } from '../language/use-words.ts'
import type { Tone } from '../shell/icons.tsx'
import { Tag } from '../shell/parts.tsx'
import { STATES } from './filter.ts'

/** The tone of a state: what keeps a rule from firing is a warning unless somebody meant it so. */
function coverageTone(state: CoverageState): Tone {
  switch (state) {
    case 'evaluated':
      return 'ok'
    case 'learning':
      return 'info'
    case 'disabled':
    case 'silenced':
      return 'idle'
    case 'no-series':
    case 'unavailable':
    case 'stale':
      return 'warning'
    default:
      return state satisfies never
  }
}

/** A state of coverage in words, shape and colour. */
export function CoverageTag({ state }: { state: CoverageState }): ReactElement {
  const { t } = useWords()
  return <Tag tone={coverageTone(state)}>{t(`coverage.state.${state}`)}</Tag>
}

/** On how many devices a rule stands in which state: a bar for the eye, and the same in words. */
export function CoverageBar({ counts }: { counts: CoverageCounts }): ReactElement {
  const { t } = useWords()
  const present = STATES.filter((state) => counts[state] > 0)
  const total = present.reduce((sum, state) => sum + counts[state], 0)
  if (total === 0) return <span className="dim small">{t('coverage.nowhere')}</span>
  return (
    <span className="coverage">
      <span className="coverage-bar" aria-hidden="true">
        {present.map((state) => (
          <span
            key={state}
            data-tone={coverageTone(state)}
            style={{ width: `${(100 * counts[state]) / total}%` }}
          />
        ))}
      </span>
      <span className="small">
        {present.map((state) => `${counts[state]} ${t(`coverage.count.${state}`)}`).join(' · ')}
      </span>
    </span>
  )
}

/** A sentence of the server, in the reader's language where it is known. */
export function ServerText({ text }: { text: string }): ReactElement {
  const { language } = useWords()
  const told = tellServer(text, language)
  return <span lang={told.lang}>{told.words}</span>
}

/** A file and line, as short as it can be told; the whole place on pointing at it. */
export function Place({ file, line }: { file: string; line: number | null }): ReactElement {
  const name = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)
  const at = line === null ? '' : `:${line}`
  return (
    <span className="mono place" title={file + at}>
      {name + at}
    </span>
  )
}

/** A value of a rule as its pack writes it. */
export function valueOf(value: unknown): string {
  if (value === null || value === undefined) return '—'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
