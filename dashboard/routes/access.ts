import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { withWords } from '../language/more-words.ts'
import { rootRoute, shellRoute } from './base.tsx'

const setupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/setup',
  component: lazyRouteComponent(() => import('../access/setup-page.tsx'), 'SetupPage'),
})

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  validateSearch: (search): { from?: string } => {
    const from = search['from']
    // Only a path of this console: never an address elsewhere.
    return typeof from === 'string' && /^\/(?!\/)/.test(from) ? { from } : {}
  },
  component: lazyRouteComponent(() => import('../access/sign-in-page.tsx'), 'SignInPage'),
})

export const accountRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/account',
  component: lazyRouteComponent(
    () => withWords(['access'], () => import('../access/account-page.tsx')),
    'AccountPage',
  ),
})

export const peopleRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/people',
  component: lazyRouteComponent(
    () => withWords(['access'], () => import('../access/people-page.tsx')),
    'PeoplePage',
  ),
})

/** Before there is a session. */
export const openRoutes = [setupRoute, signInRoute]
