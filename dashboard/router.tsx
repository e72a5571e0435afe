import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  Outlet,
  redirect,
  type ErrorComponentProps,
} from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { VigiaError } from '../contract/errors.ts'
import { INCIDENT_FILTERS, type IncidentFilter } from './incident/filter.ts'
import { withWords } from './language/more-words.ts'
import { useWords } from './language/use-words.ts'
import { NOISE_PARTS, SUPPRESSED_BY, type NoiseSearch } from './noise/parts.ts'
import { ask } from './queries.ts'
import type { CoverageState } from '../contract/coverage.ts'
import { REMOTE_KINDS, type RemoteKind } from './remote/kinds.ts'
import { RULE_FILTERS, STATES, type RuleFilter } from './rule/filter.ts'
import { Empty, Failure, Waiting } from './shell/parts.tsx'
import { Shell } from './shell/shell.tsx'
import { SYSTEMS, type OrderSearch, type ScriptSearch } from './work/search.ts'

type Context = { queries: QueryClient }

const rootRoute = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: NotFound })

const setupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/setup',
  component: lazyRouteComponent(() => import('./access/setup-page.tsx'), 'SetupPage'),
})

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  validateSearch: (search): { from?: string } => {
    const from = search['from']
    // Only a path of this console: never an address elsewhere.
    return typeof from === 'string' && /^\/(?!\/)/.test(from) ? { from } : {}
  },
  component: lazyRouteComponent(() => import('./access/sign-in-page.tsx'), 'SignInPage'),
})

const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  component: Shell,
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queries.ensureQueryData(ask.me())
    } catch (error) {
      if (!(error instanceof VigiaError) || error.code !== 'UNAUTHENTICATED') throw error
      // The router takes a thrown redirect as an answer.
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { from: location.href } })
    }
  },
})

const fleetRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  component: lazyRouteComponent(() => import('./fleet/fleet-page.tsx'), 'FleetPage'),
})

const deviceRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/devices/$device',
  component: lazyRouteComponent(() => import('./fleet/device-page.tsx'), 'DevicePage'),
})

const terminalRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/devices/$device/terminal',
  component: lazyRouteComponent(
    () => withWords(['remote'], () => import('./remote/terminal-page.tsx')),
    'TerminalPage',
  ),
})

const filesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/devices/$device/files',
  component: lazyRouteComponent(
    () => withWords(['remote', 'files'], () => import('./remote/files-page.tsx')),
    'FilesPage',
  ),
})

const screenRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/devices/$device/screen',
  component: lazyRouteComponent(
    () => withWords(['remote', 'files'], () => import('./remote/screen-page.tsx')),
    'ScreenPage',
  ),
})

const remotesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/remote',
  validateSearch: (search): { device?: string; kind?: RemoteKind } => ({
    ...text('device', search['device']),
    ...pick('kind', search['kind'], REMOTE_KINDS),
  }),
  component: lazyRouteComponent(
    () => withWords(['remote'], () => import('./remote/sessions-page.tsx')),
    'SessionsPage',
  ),
})

const recordingRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/remote/$id',
  component: lazyRouteComponent(
    () => withWords(['remote'], () => import('./remote/recording-page.tsx')),
    'RecordingPage',
  ),
})

const incidentsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/incidents',
  validateSearch: (search): { show?: IncidentFilter; client?: string } => ({
    ...pick('show', search['show'], INCIDENT_FILTERS),
    ...(typeof search['client'] === 'string' ? { client: search['client'] } : {}),
  }),
  component: lazyRouteComponent(() => import('./incident/incidents-page.tsx'), 'IncidentsPage'),
})

const incidentRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/incidents/$id',
  component: lazyRouteComponent(
    () => withWords(['explain'], () => import('./incident/incident-page.tsx')),
    'IncidentPage',
  ),
})

const ticketsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/tickets',
  validateSearch: (search): { show?: 'all' } => (search['show'] === 'all' ? { show: 'all' } : {}),
  component: lazyRouteComponent(() => import('./ticket/tickets-page.tsx'), 'TicketsPage'),
})

const ticketRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/tickets/$id',
  component: lazyRouteComponent(() => import('./ticket/ticket-page.tsx'), 'TicketPage'),
})

const rulesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/rules',
  validateSearch: (search): { find?: string; show?: RuleFilter } => ({
    ...text('find', search['find']),
    ...pick('show', search['show'], RULE_FILTERS),
  }),
  component: lazyRouteComponent(
    () => withWords(['rule'], () => import('./rule/rules-page.tsx')),
    'RulesPage',
  ),
})

const ruleRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/rules/$rule',
  validateSearch: (search): { state?: CoverageState } => pick('state', search['state'], STATES),
  component: lazyRouteComponent(() => withWords(['rule'], () => import('./rule/rule-page.tsx')), 'RulePage'),
})

const packsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/packs',
  component: lazyRouteComponent(
    () => withWords(['rule'], () => import('./pack/packs-page.tsx')),
    'PacksPage',
  ),
})

const packRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/packs/$pack',
  validateSearch: (search): { add?: string } => text('add', search['add']),
  component: lazyRouteComponent(() => withWords(['rule'], () => import('./pack/pack-page.tsx')), 'PackPage'),
})

const noiseRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/noise',
  validateSearch: (search): NoiseSearch => ({
    ...pick('show', search['show'], NOISE_PARTS),
    ...text('client', search['client']),
    ...text('device', search['device']),
    ...text('rule', search['rule']),
    ...pick('by', search['by'], SUPPRESSED_BY),
  }),
  component: lazyRouteComponent(
    () => withWords(['noise'], () => import('./noise/noise-page.tsx')),
    'NoisePage',
  ),
})

const scriptsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/scripts',
  validateSearch: (search): ScriptSearch => ({
    ...text('find', search['find']),
    ...pick('system', search['system'], SYSTEMS),
    ...text('category', search['category']),
  }),
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('./work/scripts-page.tsx')),
    'ScriptsPage',
  ),
})

const scriptRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/scripts/$name',
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('./work/script-page.tsx')),
    'ScriptPage',
  ),
})

const orderRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/run',
  validateSearch: (search): OrderSearch => ({
    ...text('script', search['script']),
    ...text('device', search['device']),
    ...text('devices', search['devices']),
    ...text('view', search['view']),
    ...text('values', search['values']),
    ...text('ticket', search['ticket']),
  }),
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('./work/order-page.tsx')),
    'OrderPage',
  ),
})

const runsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/runs',
  component: lazyRouteComponent(() => withWords(['work'], () => import('./work/runs-page.tsx')), 'RunsPage'),
})

const runRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/runs/$id',
  component: lazyRouteComponent(() => withWords(['work'], () => import('./work/run-page.tsx')), 'RunPage'),
})

const jobsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/jobs',
  validateSearch: (search): { find?: string; device?: string } => ({
    ...text('find', search['find']),
    ...text('device', search['device']),
  }),
  component: lazyRouteComponent(() => withWords(['work'], () => import('./work/jobs-page.tsx')), 'JobsPage'),
})

const jobRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/jobs/$id',
  component: lazyRouteComponent(() => withWords(['work'], () => import('./work/job-page.tsx')), 'JobPage'),
})

const secretsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/secrets',
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('./work/secrets-page.tsx')),
    'SecretsPage',
  ),
})

const articlesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/articles',
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('./work/articles-page.tsx')),
    'ArticlesPage',
  ),
})

const articleRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/articles/$slug',
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('./work/article-page.tsx')),
    'ArticlePage',
  ),
})

const writeRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/write',
  validateSearch: (search): { slug?: string } => text('slug', search['slug']),
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('./work/write-page.tsx')),
    'WritePage',
  ),
})

const ledgerRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/ledger',
  component: lazyRouteComponent(() => import('./ledger/ledger-page.tsx'), 'LedgerPage'),
})

const reportsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/reports',
  component: lazyRouteComponent(() => import('./report/reports-page.tsx'), 'ReportsPage'),
})

const accountRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/account',
  component: lazyRouteComponent(
    () => withWords(['access'], () => import('./access/account-page.tsx')),
    'AccountPage',
  ),
})

const healthRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/health',
  component: lazyRouteComponent(() => import('./health/health-page.tsx'), 'HealthPage'),
})

const tree = rootRoute.addChildren([
  setupRoute,
  signInRoute,
  shellRoute.addChildren([
    fleetRoute,
    deviceRoute,
    terminalRoute,
    filesRoute,
    screenRoute,
    remotesRoute,
    recordingRoute,
    incidentsRoute,
    incidentRoute,
    ticketsRoute,
    ticketRoute,
    rulesRoute,
    ruleRoute,
    packsRoute,
    packRoute,
    noiseRoute,
    scriptsRoute,
    scriptRoute,
    orderRoute,
    runsRoute,
    runRoute,
    jobsRoute,
    jobRoute,
    secretsRoute,
    articlesRoute,
    articleRoute,
    writeRoute,
    ledgerRoute,
    reportsRoute,
    healthRoute,
    accountRoute,
  ]),
])

/** The console's pages and who may see them: all but set-up and sign-in need a session. */
export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: Broken,
    defaultPendingComponent: Pending,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}

function pick<K extends string, V extends string>(
  name: K,
  value: unknown,
  allowed: readonly V[],
): Partial<Record<K, V>> {
  const found = allowed.find((each) => each === value)
  return found === undefined ? {} : ({ [name]: found } as Record<K, V>)
}

function text<K extends string>(name: K, value: unknown): Partial<Record<K, string>> {
  return typeof value === 'string' && value !== '' ? ({ [name]: value } as Record<K, string>) : {}
}

function Broken({ error, reset }: ErrorComponentProps): ReactElement {
  return (
    <div className="page">
      <Failure
        error={error}
        again={() => {
          reset()
          window.location.reload()
        }}
      />
    </div>
  )
}

function Pending(): ReactElement {
  return (
    <div className="page">
      <Waiting />
    </div>
  )
}

function NotFound(): ReactElement {
  const { t } = useWords()
  return (
    <main className="page">
      <Empty icon="fleet" title={t('shell.notFound')} help={t('shell.notFoundHelp')}>
        <Link to="/">{t('shell.toFleet')}</Link>
      </Empty>
    </main>
  )
}
