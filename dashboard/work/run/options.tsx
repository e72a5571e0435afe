import { Checkbox, NativeSelect, NumberInput, TextInput } from '@mantine/core'
import type { ReactElement } from 'react'
import { useWords } from '../../language/use-words.ts'
import { parseWaves, type Draft } from '../knowledge/draft.ts'

const OFFLINE = ['wait', 'skip'] as const

/** How it goes: folded away, since the defaults are good. */
export function Options({
  draft,
  change,
  canDryRun,
}: {
  draft: Draft
  change: (part: Partial<Draft>) => void
  canDryRun: boolean
}): ReactElement {
  const { t } = useWords()
  const number = (name: 'concurrency' | 'stopFailures' | 'stopPercent' | 'expiresHours', max: number) => ({
    value: draft[name],
    ...{ min: 1, max, allowDecimal: false },
    onChange: (value: string | number) => {
      if (typeof value === 'number') change({ [name]: value })
    },
  })
  return (
    <>
      {canDryRun && (
        <Checkbox
          label={t('work.tryOut')}
          checked={draft.dryRun}
          onChange={(event) => change({ dryRun: event.currentTarget.checked })}
        />
      )}
      <details className="card">
        <summary className="card-body">{t('work.options')}</summary>
        <div className="card-body fields">
          <TextInput
            label={t('work.waves')}
            description={t('work.wavesHelp')}
            error={parseWaves(draft.waves) === undefined ? t('work.wavesInvalid') : undefined}
            value={draft.waves}
            onChange={(event) => change({ waves: event.currentTarget.value })}
          />
          <NumberInput label={t('work.concurrency')} {...number('concurrency', 1000)} />
          <NumberInput label={t('work.stopFailures')} {...number('stopFailures', 10_000)} />
          <NumberInput label={t('work.stopPercent')} {...number('stopPercent', 100)} />
          <NativeSelect
            label={t('work.offline')}
            value={draft.offline}
            onChange={(event) => {
              const offline = OFFLINE.find((one) => one === event.currentTarget.value)
              if (offline) change({ offline })
            }}
            data={OFFLINE.map((value) => ({ value, label: t(`work.offlines.${value}`) }))}
          />
          <NumberInput label={t('work.expires')} {...number('expiresHours', 720)} />
        </div>
      </details>
    </>
  )
}
