import type { QueryClient } from '@tanstack/react-query'
import { createRouter, type ErrorComponentProps } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { accountRoute, openRoutes, peopleRoute } from './routes/access.ts'
import { rootRoute, shellRoute } from './routes/base.tsx'
import { deskRoutes } from './routes/desk.ts'
import { fleetRoutes } from './routes/fleet.ts'
import { ruleRoutes } from './routes/rules.ts'
import { workRoutes } from './routes/work.ts'
import { Failure, Waiting } from './shell/parts.tsx'

const tree = rootRoute.addChildren([
  ...openRoutes,
  shellRoute.addChildren([
    ...fleetRoutes,
    ...deskRoutes,
    ...ruleRoutes,
    ...workRoutes,
    accountRoute,
    peopleRoute,
  ]),
])

/** The console's pages and who may see them: all but set-up and sign-in need a session. */
export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    // What a page does not know of an address is taken out of it: else it would come to the page unchecked.
    search: { strict: true },
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
