import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { SYSTEMS, type OrderSearch, type ScriptSearch } from '../work/search.ts'
import { withWords } from '../language/more-words.ts'
import { shellRoute } from './base.tsx'
import { pick, text } from './search.ts'

const scriptsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/scripts',
  validateSearch: (search): ScriptSearch => ({
    ...text('find', search['find']),
    ...pick('system', search['system'], SYSTEMS),
    ...text('category', search['category']),
  }),
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('../work/script/scripts-page.tsx')),
    'ScriptsPage',
  ),
})

const scriptRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/scripts/$name',
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('../work/script/script-page.tsx')),
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
    () => withWords(['work'], () => import('../work/run/order-page.tsx')),
    'OrderPage',
  ),
})

const runsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/runs',
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('../work/run/runs-page.tsx')),
    'RunsPage',
  ),
})

const runRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/runs/$id',
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('../work/run/run-page.tsx')),
    'RunPage',
  ),
})

const jobsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/jobs',
  validateSearch: (search): { find?: string; device?: string } => ({
    ...text('find', search['find']),
    ...text('device', search['device']),
  }),
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('../work/job/jobs-page.tsx')),
    'JobsPage',
  ),
})

const jobRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/jobs/$id',
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('../work/job/job-page.tsx')),
    'JobPage',
  ),
})

const secretsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/secrets',
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('../work/secrets-page.tsx')),
    'SecretsPage',
  ),
})

const articlesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/articles',
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('../work/knowledge/articles-page.tsx')),
    'ArticlesPage',
  ),
})

const articleRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/articles/$slug',
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('../work/knowledge/article-page.tsx')),
    'ArticlePage',
  ),
})

const writeRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/write',
  validateSearch: (search): { slug?: string } => text('slug', search['slug']),
  component: lazyRouteComponent(
    () => withWords(['work'], () => import('../work/knowledge/write-page.tsx')),
    'WritePage',
  ),
})

/** Scripts, orders, what became of them, and knowledge. */
export const workRoutes = [
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
]
