import { TextInput } from '@mantine/core'
import type { ReactElement } from 'react'
import { useWords } from '../../language/use-words.ts'
import type { Draft } from '../knowledge/draft.ts'
import { ChoiceCard } from './choice-card.tsx'

const KINDS = ['now', 'at', 'cron'] as const

/** When it is to run: now, at a time, or on a schedule in a time zone. */
export function When({
  draft,
  change,
}: {
  draft: Draft
  change: (part: Partial<Draft>) => void
}): ReactElement {
  const { t } = useWords()
  return (
    <ChoiceCard
      id="when"
      title={t('work.when')}
      kinds={KINDS}
      name={(kind) => t(`work.whens.${kind}`)}
      chosen={draft.when}
      choose={(when) => change({ when })}
    >
      {draft.when === 'at' && (
        <TextInput
          type="datetime-local"
          label={t('work.atTime')}
          value={draft.at}
          onChange={(event) => change({ at: event.currentTarget.value })}
        />
      )}
      {draft.when === 'cron' && (
        <div className="fields">
          <TextInput
            label={t('work.cron')}
            description={t('work.cronHelp')}
            maxLength={120}
            spellCheck={false}
            value={draft.cron}
            onChange={(event) => change({ cron: event.currentTarget.value })}
          />
          <TextInput
            label={t('work.zone')}
            maxLength={60}
            list="zones"
            spellCheck={false}
            value={draft.timeZone}
            onChange={(event) => change({ timeZone: event.currentTarget.value })}
          />
          <datalist id="zones">
            {Intl.supportedValuesOf('timeZone').map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </div>
      )}
    </ChoiceCard>
  )
}
