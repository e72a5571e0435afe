import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { REMOTE_KINDS, type RemoteKind } from '../remote/kinds.ts'
import { withWords } from '../language/more-words.ts'
import { shellRoute } from './base.tsx'
import { pick, text } from './search.ts'

const fleetRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  component: lazyRouteComponent(() => import('../fleet/fleet-page.tsx'), 'FleetPage'),
})

const deviceRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/devices/$device',
  component: lazyRouteComponent(() => import('../fleet/device-page.tsx'), 'DevicePage'),
})

const terminalRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/devices/$device/terminal',
  component: lazyRouteComponent(
    () => withWords(['remote'], () => import('../remote/terminal/terminal-page.tsx')),
    'TerminalPage',
  ),
})

const filesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/devices/$device/files',
  component: lazyRouteComponent(
    () => withWords(['remote', 'files'], () => import('../remote/files/files-page.tsx')),
    'FilesPage',
  ),
})

const screenRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/devices/$device/screen',
  component: lazyRouteComponent(
    () => withWords(['remote', 'files'], () => import('../remote/screen/screen-page.tsx')),
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
    () => withWords(['remote'], () => import('../remote/sessions-page.tsx')),
    'SessionsPage',
  ),
})

const recordingRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/remote/$id',
  component: lazyRouteComponent(
    () => withWords(['remote'], () => import('../remote/terminal/recording-page.tsx')),
    'RecordingPage',
  ),
})

/** The fleet, a device, and sessions on it. */
export const fleetRoutes = [
  fleetRoute,
  deviceRoute,
  terminalRoute,
  filesRoute,
  screenRoute,
  remotesRoute,
  recordingRoute,
]
