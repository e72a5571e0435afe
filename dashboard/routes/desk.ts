import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { INCIDENT_FILTERS, type IncidentFilter } from '../incident/filter.ts'
import { withWords } from '../language/more-words.ts'
import { shellRoute } from './base.tsx'
import { pick } from './search.ts'

const incidentsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/incidents',
  validateSearch: (search): { show?: IncidentFilter; client?: string } => ({
    ...pick('show', search['show'], INCIDENT_FILTERS),
    ...(typeof search['client'] === 'string' ? { client: search['client'] } : {}),
  }),
  component: lazyRouteComponent(() => import('../incident/incidents-page.tsx'), 'IncidentsPage'),
})

const incidentRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/incidents/$id',
  component: lazyRouteComponent(
    () => withWords(['explain'], () => import('../incident/incident-page.tsx')),
    'IncidentPage',
  ),
})

const ticketsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/tickets',
  validateSearch: (search): { show?: 'all' } => (search['show'] === 'all' ? { show: 'all' } : {}),
  component: lazyRouteComponent(() => import('../ticket/tickets-page.tsx'), 'TicketsPage'),
})

const ticketRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/tickets/$id',
  component: lazyRouteComponent(() => import('../ticket/ticket-page.tsx'), 'TicketPage'),
})

const ledgerRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/ledger',
  component: lazyRouteComponent(() => import('../ledger/ledger-page.tsx'), 'LedgerPage'),
})

const reportsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/reports',
  component: lazyRouteComponent(() => import('../report/reports-page.tsx'), 'ReportsPage'),
})

const healthRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/health',
  component: lazyRouteComponent(() => import('../health/health-page.tsx'), 'HealthPage'),
})

/** Incidents, tickets, and what the owner looks at. */
export const deskRoutes = [
  incidentsRoute,
  incidentRoute,
  ticketsRoute,
  ticketRoute,
  ledgerRoute,
  reportsRoute,
  healthRoute,
]
