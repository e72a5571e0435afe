import './fleet.css'
import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import {
  lazy,
  Suspense,
  useDeferredValue,
  useEffect,
  useMemo,
  useRef,
  useState,
  type ReactElement,
} from 'react'
import type { DeviceView } from '../../contract/views.ts'
import { useWords } from '../language/use-words.ts'
import { ask, FLEET_LIMIT } from '../queries.ts'
import { Empty, Failure, PageHead, Tag, Waiting } from '../shell/parts.tsx'
import { FleetTable } from './fleet-table.tsx'
import { askWork } from '../work/ask.ts'
import { withWords } from '../language/more-words.ts'
import { usePicks } from './picks.ts'
import { searchDevices } from './search.ts'

const PickBar = lazy(() =>
  withWords(['work'], async () => ({ default: (await import('../work/run/pick-bar.tsx')).PickBar })),
)

const NONE: DeviceView[] = []

/** Every device that this person may see, trouble first. */
export function FleetPage(): ReactElement {
  const { t } = useWords()
  const answer = useQuery(ask.devices())
  const devices = answer.data ?? NONE
  const [query, setQuery] = useState('')
  const wanted = useDeferredValue(query)
  const [view, setView] = useState('')
  const views = useQuery(askWork.views())
  const chosen = useQuery({ ...askWork.viewDevices(view), enabled: view !== '' })
  const found = useMemo(() => {
    const inView = view === '' ? devices : devices.filter(({ id }) => chosen.data?.includes(id) ?? false)
    return searchDevices(inView, wanted)
  }, [devices, wanted, view, chosen.data])
  const picks = usePicks()
  const box = useRef<HTMLInputElement>(null)
  useSlash(box)
  const online = devices.filter((device) => device.online).length
  const troubled = devices.filter((device) => device.openIncidents > 0).length
  const revoked = devices.filter((device) => device.revokedAtMs !== null).length
  return (
    <div className="page page-fill">
      <PageHead
        title={t('nav.fleet')}
        lead={
          devices.length > 0 && (
            <span className="inline">
              <span>{t('fleet.count', { count: devices.length })}</span>
              <Tag tone="ok">{t('fleet.online', { count: online })}</Tag>
              <Tag tone="idle">{t('fleet.offline', { count: devices.length - online - revoked })}</Tag>
              <Tag tone={troubled > 0 ? 'warning' : 'idle'}>{t('fleet.troubled', { count: troubled })}</Tag>
            </span>
          )
        }
      >
        {(views.data ?? []).length > 0 && (
          <NativeSelect
            aria-label={t('fleet.view')}
            value={view}
            onChange={(event) => setView(event.currentTarget.value)}
            data={[
              { value: '', label: t('fleet.noView') },
              ...(views.data ?? []).map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
        )}
        {devices.length > 0 && (
          <TextInput
            ref={box}
            type="search"
            className="fleet-search"
            aria-label={t('fleet.searchLabel')}
            placeholder={t('fleet.searchHint')}
            value={query}
            onChange={(event) => setQuery(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === 'Escape') setQuery('')
            }}
          />
        )}
      </PageHead>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting rows={7} />}
      {answer.isSuccess && devices.length === 0 && (
        <div className="card">
          <Empty icon="fleet" title={t('fleet.empty')} help={t('fleet.emptyThere')}>
            <p>{t('fleet.emptyHelp')}</p>
            <code className="command">npx vigia enrol-token --client demo</code>
          </Empty>
        </div>
      )}
      {devices.length > 0 && found.length === 0 && (
        <div className="card">
          <Empty icon="fleet" title={t('fleet.noMatch')} help={t('fleet.noMatchHelp', { query: wanted })}>
            <Button variant="default" size="compact-sm" onClick={() => setQuery('')}>
              {t('fleet.clearSearch')}
            </Button>
          </Empty>
        </div>
      )}
      {chosen.isError && view !== '' && <Failure error={chosen.error} />}
      {picks.all.length > 0 && (
        <Suspense fallback={null}>
          <PickBar picks={picks} />
        </Suspense>
      )}
      {found.length > 0 && <FleetTable devices={found} picks={picks} />}
      {found.length > 0 && (
        <p className="dim small fleet-foot">
          <span role="status">
            {found.length < devices.length &&
              t('fleet.shown', { shown: found.length, count: devices.length })}
          </span>
          {devices.length >= FLEET_LIMIT && <span>{t('fleet.full', { count: FLEET_LIMIT })}</span>}
          <span className="fleet-keys">{t('fleet.keys')}</span>
        </p>
      )}
    </div>
  )
}

/** `/` goes to the search, as long as nothing is being typed. */
function useSlash(box: React.RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const typing =
        event.target instanceof Element && event.target.closest('input, textarea, select') !== null
      if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      box.current?.focus()
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [box])
}
