import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, Link, Outlet, redirect } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { VigiaError } from '../../contract/errors.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Empty } from '../shell/parts.tsx'
import { Shell } from '../shell/shell.tsx'

type Context = { queries: QueryClient }

export const rootRoute = createRootRouteWithContext<Context>()({
  component: Outlet,
  notFoundComponent: NotFound,
})

/** What all pages but set-up and sign-in lie under: it needs a session. */
export const shellRoute = createRoute({
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

function NotFound(): ReactElement {
  const { t } = useWords()
  return (
    <main className="page">
      <h1 className="sr-only">{t('shell.notFound')}</h1>
      <Empty icon="fleet" title={t('shell.notFound')} help={t('shell.notFoundHelp')}>
        <Link to="/">{t('shell.toFleet')}</Link>
      </Empty>
    </main>
  )
}
