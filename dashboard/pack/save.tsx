import { Button, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState, type ReactElement } from 'react'
import { flushSync } from 'react-dom'
import type { RuleChange } from '../../contract/rule-views.ts'
import { useProof } from '../access/proof.tsx'
import { call } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { Failure } from '../shell/parts.tsx'
import { Changes } from './check.tsx'

/** Puts a pack in force, or takes it out, after a person has seen what that changes. */
export function Save({
  name,
  text,
  isSaved,
  changes,
  ready,
  applied,
}: {
  name: string
  text: string
  isSaved: boolean
  changes: readonly RuleChange[]
  ready: boolean
  /** Told the text that is in force from now on, and nothing once the page has read it anew. */
  applied: (text: string | undefined) => void
}): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const dialog = useRef<HTMLDialogElement>(null)
  const [act, setAct] = useState<'save' | 'remove'>()
  const [note, setNote] = useState('')
  const { prove, dialog: proofDialog } = useProof()
  const apply = useMutation({
    mutationFn: (what: 'save' | 'remove') =>
      prove(() =>
        call('applyRules', {
          body: what === 'save' ? { packs: [{ name, text }], note } : { remove: [name], note },
        }),
      ),
    onSuccess: async (_, what) => {
      if (what === 'save') applied(text)
      dialog.current?.close()
      setNote('')
      await Promise.all(
        [
          'rules',
          'rule-check',
          'rule-coverage',
          'rule-explain',
          'rule-packs',
          'rule-pack',
          'rule-pack-history',
          'noise',
        ].map((key) => queries.invalidateQueries({ queryKey: [key] })),
      )
      applied(undefined)
      if (what === 'remove') await navigate({ to: '/packs', ignoreBlocker: true })
    },
  })
  const open = (what: 'save' | 'remove'): void => {
    apply.reset()
    // What the dialog says is drawn first.
    flushSync(() => setAct(what))
    dialog.current?.showModal()
  }
  return (
    <>
      <span className="small dim" role="status">
        {apply.isSuccess && !ready && t('pack.inForce')}
      </span>
      {isSaved && (
        <Button size="xs" variant="default" onClick={() => open('remove')}>
          {t('pack.remove')}
        </Button>
      )}
      <Button size="xs" disabled={!ready} onClick={() => open('save')}>
        {t('pack.save')}
      </Button>
      <dialog
        ref={dialog}
        className="confirm"
        onClose={() => setAct(undefined)}
        aria-labelledby="confirm-title"
      >
        {act !== undefined && (
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault()
              apply.mutate(act)
            }}
          >
            <h2 id="confirm-title">
              {t(act === 'save' ? 'pack.confirmSave' : 'pack.confirmRemove', { name })}
            </h2>
            {act === 'save' ? <Changes changes={changes} /> : <p>{t('pack.removeHelp')}</p>}
            <TextInput
              label={t('pack.note')}
              description={t('pack.noteHelp')}
              maxLength={300}
              value={note}
              onChange={(event) => setNote(event.currentTarget.value)}
            />
            {apply.isError && <Failure error={apply.error} />}
            <div className="inline confirm-buttons">
              <Button type="submit" size="xs" loading={apply.isPending}>
                {t(act === 'save' ? 'pack.putInForce' : 'pack.remove')}
              </Button>
              <Button size="xs" variant="default" onClick={() => dialog.current?.close()}>
                {t('pack.cancel')}
              </Button>
            </div>
          </form>
        )}
      </dialog>
      {proofDialog}
    </>
  )
}
