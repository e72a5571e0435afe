import './shell/mantine.ts'
import './shell/theme.css'
import './shell/shell.css'
import './shell/parts.css'
import './shell/layout.css'
import { MantineProvider } from '@mantine/core'
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { VigiaError } from '../contract/errors.ts'
import { startLanguage } from './language/i18n.ts'
import { makeRouter } from './router.tsx'
import { theme } from './shell/theme.ts'

const root = document.getElementById('root')
if (!root) throw new Error('The page has no place for the console.')

await startLanguage()

/** A session that has ended leads to the sign-in page, wherever it is noticed. */
const onError = (error: unknown): void => {
  if (!(error instanceof VigiaError) || error.code !== 'UNAUTHENTICATED') return
  if (['/sign-in', '/setup'].includes(window.location.pathname)) return
  queries.removeQueries({ queryKey: ['me'] })
  void router.navigate({ to: '/sign-in', search: { from: router.state.location.href } })
}
const queries = new QueryClient({
  // The router itself asks who is signed in and answers for that.
  queryCache: new QueryCache({ onError: (error, query) => query.queryKey[0] !== 'me' && onError(error) }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    mutations: { networkMode: 'always' },
    queries: {
      // A browser that calls itself offline still reaches a server on the same machine or in the same building.
      networkMode: 'always',
      staleTime: 2000,
      retry: (count, error) => count < 2 && error instanceof VigiaError && error.retry === 'transient',
      retryDelay: (attempt) => 500 * 2 ** attempt,
    },
  },
})
const router = makeRouter(queries)

createRoot(root).render(
  <StrictMode>
    {/* Variables and global classes stand in style sheets (mantine.ts, theme.css): no style element is made at run time. */}
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
