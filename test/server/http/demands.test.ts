import { expect, it } from 'vitest'
import { ROUTES, type RouteName } from '../../../contract/http.ts'

type Changing = { [N in RouteName]: (typeof ROUTES)[N] extends { method: 'GET' } ? never : N }[RouteName]

/**
 * Who may change what, and what of whom: the whole of it, to be read by people. Beside `public`, `self` and `local`
 * stand `person` (no viewer), `operate` (a second factor, no viewer) and `owner` (the role and a second factor). What
 * runs code, hides trouble or decides what rules and selectors choose is `operate` at least.
 */
const DEMANDS: Record<Changing, string> = {
  setup: 'public own',
  login: 'public own',
  logout: 'person own',
  enrol: 'public own',
  createEnrolToken: 'local client',
  createClient: 'local everyone',
  revokeDevice: 'local device',
  setPolicy: 'local device',
  setTags: 'operate device',
  startLab: 'local device',
  endLab: 'local device',
  updateTicket: 'person ticket',
  addScript: 'owner own',
  createJob: 'operate device',
  cancelJob: 'operate job',
  planRun: 'person none',
  createRun: 'operate target',
  cancelRun: 'operate run',
  rerunFailed: 'operate run',
  saveView: 'person selection',
  removeView: 'person view',
  setSecret: 'owner client',
  removeSecret: 'owner client',
  saveArticle: 'person own',
  removeArticle: 'person own',
  applyTrust: 'owner own',
  secondFactorBegin: 'self own',
  secondFactorConfirm: 'self own',
  proveSecondFactor: 'self own',
  resetSecondFactor: 'local everyone',
  setPersonClients: 'local everyone',
  openRemote: 'operate own',
  closeRemote: 'person remote',
  passkeyBegin: 'self own',
  passkeyAdd: 'self own',
  passkeyRemove: 'self own',
  passkeyChallenge: 'self own',
  passkeyProve: 'self own',
  checkRules: 'person none',
  applyRules: 'owner everyone',
  reloadRules: 'owner everyone',
  startBacktest: 'person none',
  cancelBacktest: 'person none',
  createPerson: 'local everyone',
  removePerson: 'owner everyone',
  setPassword: 'local everyone',
  addMaintenance: 'operate client',
  addSilence: 'operate client',
  changeSilence: 'operate silence',
  endSilence: 'operate silence',
  endMaintenance: 'operate maintenance',
  addMaintenanceSchedule: 'operate client',
  endMaintenanceSchedule: 'operate maintenance-schedule',
  setHours: 'operate client',
  killSwitch: 'local everyone',
  backup: 'local everyone',
}

it('asks of each changing route what this table says, of a new one too', () => {
  const asked = Object.entries(ROUTES).flatMap(([name, route]) =>
    route.method === 'GET' ? [] : [[name, `${route.access} ${route.touches}`]],
  )
  expect(Object.fromEntries(asked)).toEqual(DEMANDS)
})
