import { ActionIcon } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState, type ReactElement } from 'react'
import { call } from '../api.ts'
import { withWords } from '../language/more-words.ts'
import { useWords } from '../language/use-words.ts'
import { followLive, useConnected } from '../live.ts'
import { ask } from '../queries.ts'
import { Choices } from './choices.tsx'
import { Icon } from './icons.tsx'
import { Tag } from './parts.tsx'
import logo from './vigia.svg'

/** In the order of the menu. A narrow screen shows `NARROW` of them, and the others behind More. */
const PAGES = [
  { to: '/', icon: 'fleet' },
  { to: '/incidents', icon: 'incidents' },
  { to: '/tickets', icon: 'tickets' },
  { to: '/rules', icon: 'rules' },
  { to: '/noise', icon: 'noise' },
  { to: '/scripts', icon: 'scripts' },
  { to: '/runs', icon: 'runs' },
  { to: '/remote', icon: 'remote' },
  { to: '/ledger', icon: 'ledger' },
  { to: '/reports', icon: 'reports' },
  { to: '/health', icon: 'health' },
] as const
const NARROW = 4

/** The frame around every page of someone who is signed in: navigation, live state, choices. */
export function Shell(): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const main = useRef<HTMLElement>(null)
  const path = useRouterState({ select: (state) => state.location.pathname })
  const [open, setOpen] = useState(false)
  useEffect(() => followLive(queries), [queries])
  useEffect(() => {
    // A new page starts at its top, for eyes and for screen readers alike.
    main.current?.scrollTo(0, 0)
    setOpen(false)
  }, [path])
  return (
    <div className="frame">
      <a className="skip" href="#content" onClick={(event) => skip(event, main.current)}>
        {t('nav.skip')}
      </a>
      <header className="side">
        <div className="brand">
          <img src={logo} alt="" />
          Vigía
          <span className="only-narrow live-state">
            <Proof short />
            <LiveState />
          </span>
          <ActionIcon
            className="only-narrow"
            variant="subtle"
            color="gray"
            aria-expanded={open}
            aria-label={`${t('shell.language')}, ${t('shell.theme')}`}
            onClick={() => setOpen(!open)}
          >
            <Icon name="settings" />
          </ActionIcon>
        </div>
        <nav aria-label={t('nav.label')}>
          <ul className={open ? 'all' : undefined}>
            {PAGES.map(({ to, icon }, index) => (
              <li key={to} className={index < NARROW ? undefined : 'rest'}>
                <Link
                  to={to}
                  activeOptions={{ exact: to === '/', includeSearch: false }}
                  {...(belongs(to, path) ? { 'aria-current': 'page' as const } : {})}
                >
                  <Icon name={icon} />
                  {t(`nav.${icon}`)}
                </Link>
              </li>
            ))}
            <li className="only-narrow">
              <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
                <Icon name="more" />
                {t('nav.more')}
              </button>
            </li>
          </ul>
        </nav>
        <div className={open ? 'side-foot open' : 'side-foot'}>
          <span className="inline">
            <LiveState />
            <Proof />
          </span>
          <Choices />
          <Who />
        </div>
      </header>
      <main id="content" ref={main} className="main" tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  )
}

/** Pages that are reached from another have their place in the menu there. */
function belongs(to: string, path: string): boolean {
  return (
    (to === '/' && path.startsWith('/devices/')) ||
    (to === '/rules' && path.startsWith('/packs')) ||
    (to === '/runs' && /^\/(run|jobs)(\/|$)/.test(path)) ||
    (to === '/scripts' && /^\/(articles|write|secrets)(\/|$)/.test(path))
  )
}

function skip(event: React.MouseEvent, main: HTMLElement | null): void {
  event.preventDefault()
  main?.focus()
}

function LiveState(): ReactElement {
  const { t } = useWords()
  const connected = useConnected()
  return (
    <span role="status" title={connected ? t('shell.liveHelp') : t('shell.pollingHelp')}>
      <Tag tone={connected ? 'ok' : 'idle'}>{connected ? t('shell.live') : t('shell.polling')}</Tag>
    </span>
  )
}

/** Comes with its words when there is a second factor that counts. */
const ProofBadge = lazy(async () => ({
  default: (await withWords(['access'], () => import('../access/proof-badge.tsx'))).ProofBadge,
}))

function Proof({ short = false }: { short?: boolean }): ReactElement {
  const { data } = useQuery(ask.me())
  const untilMs = data?.provenUntilMs ?? null
  return <Suspense>{untilMs !== null && <ProofBadge untilMs={untilMs} short={short} />}</Suspense>
}

function Who(): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const me = useQuery(ask.me())
  const signOut = async (): Promise<void> => {
    await call('logout', {})
    queries.clear()
    await navigate({ to: '/sign-in' })
  }
  return (
    <div className="who small">
      <Link
        to="/account"
        title={t('shell.account', { name: me.data?.name ?? '' })}
        aria-label={t('shell.account', { name: me.data?.name ?? '' })}
      >
        {me.data?.name ?? ''}
      </Link>
      <button type="button" className="link-button" onClick={() => void signOut()}>
        {t('shell.signOut')}
      </button>
    </div>
  )
}
