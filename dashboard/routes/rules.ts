import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import type { CoverageState } from '../../contract/coverage.ts'
import { NOISE_PARTS, SUPPRESSED_BY, type NoiseSearch } from '../noise/parts.ts'
import { RULE_FILTERS, STATES, type RuleFilter } from '../rule/filter.ts'
import { withWords } from '../language/more-words.ts'
import { shellRoute } from './base.tsx'
import { pick, text } from './search.ts'

const rulesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/rules',
  validateSearch: (search): { find?: string; show?: RuleFilter } => ({
    ...text('find', search['find']),
    ...pick('show', search['show'], RULE_FILTERS),
  }),
  component: lazyRouteComponent(
    () => withWords(['rule'], () => import('../rule/rules-page.tsx')),
    'RulesPage',
  ),
})

const ruleRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/rules/$rule',
  validateSearch: (search): { state?: CoverageState } => pick('state', search['state'], STATES),
  component: lazyRouteComponent(() => withWords(['rule'], () => import('../rule/rule-page.tsx')), 'RulePage'),
})

const packsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/packs',
  component: lazyRouteComponent(
    () => withWords(['rule'], () => import('../pack/packs-page.tsx')),
    'PacksPage',
  ),
})

const packRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/packs/$pack',
  validateSearch: (search): { add?: string } => text('add', search['add']),
  component: lazyRouteComponent(() => withWords(['rule'], () => import('../pack/pack-page.tsx')), 'PackPage'),
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
    () => withWords(['noise'], () => import('../noise/noise-page.tsx')),
    'NoisePage',
  ),
})

/** Rules, their packs, and what keeps their alerts quiet. */
export const ruleRoutes = [rulesRoute, ruleRoute, packsRoute, packRoute, noiseRoute]
