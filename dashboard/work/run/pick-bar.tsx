import { Button, Checkbox, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { call } from '../../api.ts'
import type { Picks } from '../../fleet/picks.ts'
import { useWords } from '../../language/use-words.ts'
import { Failure } from '../../shell/parts.tsx'

/** A view of named devices is a condition that names them; longer ones the server refuses. */
const VIEW_DEVICES = 80

/** What can be done with the devices that are picked. */
export function PickBar({ picks }: { picks: Picks }): ReactElement {
  const { t } = useWords()
  const navigate = useNavigate()
  const [saving, setSaving] = useState(false)
  return (
    <div className="pick-bar" role="region" aria-label={t('work.picked', { count: picks.all.length })}>
      <strong>{t('work.picked', { count: picks.all.length })}</strong>
      <Button
        size="xs"
        onClick={() => void navigate({ to: '/run', search: { devices: picks.all.join(',') } })}
      >
        {t('work.runOnPicked')}
      </Button>
      {picks.all.length <= VIEW_DEVICES && !saving && (
        <Button size="xs" variant="default" onClick={() => setSaving(true)}>
          {t('work.saveView')}
        </Button>
      )}
      {saving && <SaveView selector={selectorOf(picks.all)} done={() => setSaving(false)} />}
      <Button size="xs" variant="subtle" onClick={() => picks.clear()}>
        {t('work.unpick')}
      </Button>
    </div>
  )
}

function selectorOf(devices: readonly string[]): string {
  return `device.device in [${devices.map((device) => `'${device}'`).join(', ')}]`
}

/** A name for a selection, and whether others see it. */
export function SaveView({ selector, done }: { selector: string; done: () => void }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [shared, setShared] = useState(false)
  const save = useMutation({
    mutationFn: () => call('saveView', { body: { name: name.trim(), client: null, selector, shared } }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['views'] })
      done()
    },
  })
  return (
    <span className="inline">
      <TextInput
        size="xs"
        aria-label={t('work.viewName')}
        placeholder={t('work.viewName')}
        maxLength={80}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Checkbox
        size="xs"
        label={t('work.sharedView')}
        checked={shared}
        onChange={(event) => setShared(event.currentTarget.checked)}
      />
      <Button size="xs" disabled={name.trim() === ''} loading={save.isPending} onClick={() => save.mutate()}>
        {t('work.save')}
      </Button>
      {save.isError && <Failure error={save.error} />}
    </span>
  )
}
