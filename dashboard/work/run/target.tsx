import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import type { ScriptContent } from '../../../contract/command.ts'
import { useWords } from '../../language/use-words.ts'
import { ask } from '../../queries.ts'
import { askWork } from '../ask.ts'
import type { Draft } from '../knowledge/draft.ts'
import { ChoiceCard } from './choice-card.tsx'
import { SaveView } from './pick-bar.tsx'

const KINDS = ['devices', 'selector', 'view'] as const
const EXAMPLE = "device.os == 'linux' && 'server' in device.tags"

/** Where it is to run: devices by name, all that fit a condition, or a saved view. */
export function Target({
  draft,
  change,
  systems,
}: {
  draft: Draft
  change: (part: Partial<Draft>) => void
  systems: ScriptContent['systems'] | undefined
}): ReactElement {
  const { t } = useWords()
  return (
    <ChoiceCard
      id="where"
      title={t('work.where')}
      kinds={KINDS}
      name={(kind) => t(`work.targets.${kind}`)}
      chosen={draft.target}
      choose={(target) => change({ target })}
    >
      {draft.target === 'devices' && <Devices draft={draft} change={change} systems={systems} />}
      {draft.target === 'selector' && <Condition draft={draft} change={change} />}
      {draft.target === 'view' && <View draft={draft} change={change} />}
    </ChoiceCard>
  )
}

type Part = { draft: Draft; change: (part: Partial<Draft>) => void }

function Devices({
  draft,
  change,
  systems,
}: Part & { systems: ScriptContent['systems'] | undefined }): ReactElement {
  const { t } = useWords()
  const devices = useQuery(ask.devices())
  const all = devices.data ?? []
  const picked = new Set(draft.devices)
  const offered = all.filter(
    (device) =>
      device.revokedAtMs === null &&
      !picked.has(device.id) &&
      (systems === undefined || systems.some((system) => system === device.os)),
  )
  return (
    <>
      {picked.size > 0 && (
        <ul className="chips" aria-label={t('work.devicesChosen', { count: picked.size })}>
          {draft.devices.slice(0, 30).map((id) => (
            <li key={id} className="chip">
              {all.find((device) => device.id === id)?.hostname ?? id}
              <button
                type="button"
                className="chip-away"
                aria-label={`${t('work.removeArticle')}: ${all.find((device) => device.id === id)?.hostname ?? id}`}
                onClick={() => change({ devices: draft.devices.filter((device) => device !== id) })}
              >
                ×
              </button>
            </li>
          ))}
          {picked.size > 30 && <li className="chip">{t('common.more', { count: picked.size - 30 })}</li>}
        </ul>
      )}
      <NativeSelect
        label={t('work.addDevice')}
        value=""
        onChange={(event) => {
          const { value } = event.currentTarget
          if (value !== '') change({ devices: [...draft.devices, value] })
        }}
        data={[
          { value: '', label: '' },
          ...offered
            .slice(0, 1000)
            .map(({ id, hostname, client }) => ({ value: id, label: `${hostname} · ${client}` })),
        ]}
      />
    </>
  )
}

function Condition({ draft, change }: Part): ReactElement {
  const { t } = useWords()
  const clients = useQuery(ask.clients())
  const [saving, setSaving] = useState(false)
  return (
    <div className="fields">
      <NativeSelect
        label={t('common.client')}
        value={draft.client}
        onChange={(event) => change({ client: event.currentTarget.value })}
        data={[
          { value: '', label: t('common.allClients') },
          ...(clients.data?.clients ?? []).map(({ id, name }) => ({ value: id, label: name })),
        ]}
      />
      <TextInput
        label={t('work.selector')}
        description={t('work.selectorHelp', { example: EXAMPLE })}
        maxLength={2000}
        spellCheck={false}
        value={draft.selector}
        onChange={(event) => change({ selector: event.currentTarget.value })}
      />
      {draft.selector.trim() !== '' &&
        (saving ? (
          <SaveView selector={draft.selector.trim()} done={() => setSaving(false)} />
        ) : (
          <Button size="xs" variant="default" onClick={() => setSaving(true)}>
            {t('work.saveView')}
          </Button>
        ))}
    </div>
  )
}

function View({ draft, change }: Part): ReactElement {
  const { t } = useWords()
  const views = useQuery(askWork.views())
  if (views.data?.length === 0) return <p className="dim">{t('work.noView')}</p>
  return (
    <NativeSelect
      label={t('work.view')}
      value={draft.view}
      onChange={(event) => change({ view: event.currentTarget.value })}
      data={[
        { value: '', label: '' },
        ...(views.data ?? []).map(({ id, name, selector }) => ({
          value: id,
          label: `${name} · ${selector.length > 60 ? `${selector.slice(0, 60)}…` : selector}`,
        })),
      ]}
    />
  )
}
