import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRef, useState, type DragEvent, type ReactElement } from 'react'
import type { FileEntry } from '../../../contract/remote/files.ts'
import { useWords } from '../../language/use-words.ts'
import { Empty, Failure, Waiting } from '../../shell/parts.tsx'
import type { FileClient } from './file-client.ts'
import { FileDialog, type FileAct } from './file-dialog.tsx'
import { crumbsOf, pathIn, rootOf } from './folder-path.ts'
import { FolderTable } from './folder-table.tsx'
import type { Transfers } from './transfers.ts'

/** One folder at a time: the way to it, what is in it, and what can be done with that. */
export function Folders({
  session,
  client,
  transfers,
}: {
  session: string
  client: FileClient
  transfers: Transfers
}): ReactElement {
  const { t } = useWords()
  const [chosen, setChosen] = useState<string>()
  const [act, setAct] = useState<FileAct>()
  const [over, setOver] = useState(false)
  const picker = useRef<HTMLInputElement>(null)
  const roots = useQuery({
    queryKey: ['remote-roots', session],
    queryFn: () => client.roots(),
    staleTime: Infinity,
    retry: false,
  })
  const path = chosen ?? (roots.data?.roots.length === 1 ? roots.data.roots[0] : undefined)
  const list = useQuery({
    queryKey: ['remote-folder', session, path],
    queryFn: () => client.list(path ?? ''),
    enabled: path !== undefined,
    staleTime: 0,
    retry: false,
  })
  if (roots.isError) return <Failure error={roots.error} again={() => void roots.refetch()} />
  if (roots.isPending) return <Waiting rows={4} />
  const { control } = roots.data
  const root = path === undefined ? undefined : rootOf(roots.data.roots, path)
  const crumbs = root === undefined || path === undefined ? [] : crumbsOf(root, path)
  const upload = (files: Iterable<File>): void => {
    if (path === undefined || !control) return
    for (const file of files) transfers.upload(pathIn(path, file.name), file)
  }
  const up = (): void => {
    if (crumbs.length > 1) setChosen(crumbs.at(-2)?.path)
    else if (roots.data.roots.length > 1) setChosen(undefined)
  }
  const open = ({ name, kind, size }: FileEntry): void => {
    if (path === undefined) return
    if (kind === 'folder') setChosen(pathIn(path, name))
    else if (kind === 'file') transfers.download(pathIn(path, name), name, size)
  }
  const drag = control && {
    onDragOver: (event: DragEvent) => {
      event.preventDefault()
      setOver(true)
    },
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault()
      setOver(false)
      upload(event.dataTransfer.files)
    },
  }
  if (path === undefined)
    return (
      <section className="card card-body stack" aria-labelledby="file-roots">
        <h2 id="file-roots">{t('files.folders')}</h2>
        <ul className="file-roots">
          {roots.data.roots.map((each) => (
            <li key={each}>
              <Button variant="default" onClick={() => setChosen(each)}>
                {each}
              </Button>
            </li>
          ))}
        </ul>
      </section>
    )
  return (
    <section className="card folder" data-over={over} {...drag}>
      <div className="card-head">
        <nav aria-label={t('files.crumbs')} className="crumbs">
          <ol>
            {roots.data.roots.length > 1 && (
              <li>
                <button type="button" className="link-button" onClick={() => setChosen(undefined)}>
                  {t('files.folders')}
                </button>
              </li>
            )}
            {crumbs.map((crumb, index) => (
              <li key={crumb.path}>
                {index === crumbs.length - 1 ? (
                  <span aria-current="page">{crumb.name}</span>
                ) : (
                  <button type="button" className="link-button" onClick={() => setChosen(crumb.path)}>
                    {crumb.name}
                  </button>
                )}
              </li>
            ))}
          </ol>
        </nav>
        <span className="inline">
          <Button size="compact-sm" variant="default" onClick={() => void list.refetch()}>
            {t('files.refresh')}
          </Button>
          {control && (
            <>
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => setAct({ what: 'make', folder: path })}
              >
                {t('files.newFolder')}
              </Button>
              <Button size="compact-sm" onClick={() => picker.current?.click()}>
                {t('files.upload')}
              </Button>
              <input
                ref={picker}
                type="file"
                multiple
                hidden
                onChange={(event) => {
                  upload(event.currentTarget.files ?? [])
                  event.currentTarget.value = ''
                }}
              />
            </>
          )}
        </span>
      </div>
      {list.isError && <Failure error={list.error} again={() => void list.refetch()} />}
      {list.isPending && <Waiting rows={6} />}
      {list.data?.entries.length === 0 && (
        <Empty
          icon="fleet"
          title={t('files.empty')}
          help={t(control ? 'files.emptyHelp' : 'files.emptyHelpRead')}
        />
      )}
      {list.data && list.data.entries.length > 0 && (
        <FolderTable
          key={path}
          entries={list.data.entries}
          control={control}
          open={open}
          up={up}
          act={(what, entry) => setAct({ what, folder: path, entry })}
        />
      )}
      {list.data && (
        <p className="folder-foot small dim">
          <span role="status">
            {list.data.truncated
              ? t('files.truncated', { count: list.data.entries.length })
              : t('files.count', { count: list.data.entries.length })}
            {!control && ` · ${t('files.readOnly')}`}
          </span>
          <span>{t('files.keys')}</span>
        </p>
      )}
      {over && (
        <div className="folder-drop" aria-hidden="true">
          {t('files.dropHere', { folder: path })}
        </div>
      )}
      {act && (
        <FileDialog
          act={act}
          client={client}
          done={() => {
            setAct(undefined)
            void list.refetch()
          }}
          cancelled={() => setAct(undefined)}
        />
      )}
    </section>
  )
}
