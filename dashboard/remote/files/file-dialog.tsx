import { Button, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef, useState, type ReactElement } from 'react'
import type { FileEntry } from '../../../contract/remote/files.ts'
import { useWords } from '../../language/use-words.ts'
import { Failure } from '../../shell/parts.tsx'
import type { FileClient } from './file-client.ts'
import { nameFault, pathIn } from './folder-path.ts'

/** What is to be done in a folder once a person has confirmed it. */
export type FileAct =
  { what: 'make'; folder: string } | { what: 'rename' | 'remove'; folder: string; entry: FileEntry }

/** Asks for a name, or for a yes, and does it. */
export function FileDialog({
  act,
  client,
  done,
  cancelled,
}: {
  act: FileAct
  client: FileClient
  done: () => void
  cancelled: () => void
}): ReactElement {
  const { t } = useWords()
  const dialog = useRef<HTMLDialogElement>(null)
  const old = act.what === 'make' ? '' : act.entry.name
  const [name, setName] = useState(old)
  useEffect(() => dialog.current?.showModal(), [])
  const fault = act.what === 'remove' ? undefined : nameFault(act.folder, name)
  const work = useMutation({
    mutationFn: async () => {
      const path = pathIn(act.folder, act.what === 'make' ? name : old)
      if (act.what === 'make') await client.makeFolder(path)
      else if (act.what === 'rename') await client.rename(path, pathIn(act.folder, name))
      else await client.remove(path)
    },
    onSuccess: done,
  })
  return (
    <dialog ref={dialog} className="remote-dialog" aria-labelledby="file-act" onClose={cancelled}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (fault === undefined) work.mutate()
        }}
      >
        <h2 id="file-act">
          {t(`files.${act.what === 'make' ? 'newFolder' : act.what}Title`, { name: old, folder: act.folder })}
        </h2>
        {act.what === 'remove' ? (
          <p>{t('files.removeHelp')}</p>
        ) : (
          <TextInput
            label={t('files.newName')}
            value={name}
            maxLength={255}
            autoFocus
            error={name !== '' && fault !== undefined ? t(`files.nameFault.${fault}`) : undefined}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        )}
        {work.isError && <Failure error={work.error} />}
        <div className="inline dialog-buttons">
          <Button
            type="submit"
            size="xs"
            loading={work.isPending}
            disabled={fault !== undefined || (act.what === 'rename' && name === old)}
            {...(act.what === 'remove' ? { color: 'red' } : {})}
          >
            {t(`files.${act.what === 'make' ? 'make' : act.what === 'rename' ? 'renameDo' : 'removeDo'}`)}
          </Button>
          <Button size="xs" variant="default" onClick={cancelled}>
            {t('files.cancel')}
          </Button>
        </div>
      </form>
    </dialog>
  )
}
