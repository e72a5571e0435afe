import type * as z from 'zod'
import { ERROR_CODES, VigiaError, type ErrorCode } from '../contract/errors.ts'
import type { ROUTES } from '../contract/http.ts'
import type { ErrorAnswer } from '../contract/views.ts'

type Routes = typeof ROUTES
/** The routes that the console calls; the CLI has the others. */
type Used =
  | 'health'
  | 'setup'
  | 'setupState'
  | 'login'
  | 'logout'
  | 'me'
  | 'clients'
  | 'devices'
  | 'device'
  | 'deviceFacts'
  | 'deviceSeries'
  | 'incidents'
  | 'incident'
  | 'tickets'
  | 'ticket'
  | 'updateTicket'
  | 'ledger'
  | 'hostile'
  | keyof typeof ACCESS_PATHS
  | keyof typeof RULE_PATHS
  | keyof typeof NOISE_PATHS
  | keyof typeof REMOTE_PATHS
  | keyof typeof WORK_PATHS

type Table<K extends keyof Routes> = { [P in K]: readonly [Routes[P]['method'], Routes[P]['path']] }

/** Routes of people and of a person's second factor. */
const ACCESS_PATHS = {
  people: ['GET', '/api/people'],
  removePerson: ['POST', '/api/people/remove'],
  secondFactorBegin: ['POST', '/api/me/second-factor'],
  secondFactorConfirm: ['POST', '/api/me/second-factor/confirm'],
  proveSecondFactor: ['POST', '/api/me/prove'],
  secondFactors: ['GET', '/api/me/second-factor'],
  passkeyBegin: ['POST', '/api/me/passkeys/begin'],
  passkeyAdd: ['POST', '/api/me/passkeys'],
  passkeyRemove: ['DELETE', '/api/me/passkeys/:id'],
  passkeyChallenge: ['POST', '/api/me/prove/passkey/begin'],
  passkeyProve: ['POST', '/api/me/prove/passkey'],
} as const satisfies Partial<Table<keyof Routes>>

/** Routes about rules and their packs. */
const RULE_PATHS = {
  rules: ['GET', '/api/rules'],
  ruleCoverage: ['GET', '/api/rules/coverage'],
  ruleExplain: ['GET', '/api/rules/explain'],
  ruleSchema: ['GET', '/api/rules/schema'],
  rulePacks: ['GET', '/api/rules/packs'],
  rulePack: ['GET', '/api/rules/packs/:pack'],
  rulePackHistory: ['GET', '/api/rules/packs/:pack/history'],
  checkRules: ['POST', '/api/rules/check'],
  applyRules: ['POST', '/api/rules/apply'],
  backtests: ['GET', '/api/rules/backtests'],
  startBacktest: ['POST', '/api/rules/backtests'],
  backtest: ['GET', '/api/rules/backtests/:id'],
  cancelBacktest: ['POST', '/api/rules/backtests/:id/cancel'],
} as const satisfies Partial<Table<keyof Routes>>

/** Routes of noise control. */
const NOISE_PATHS = {
  silences: ['GET', '/api/silences'],
  addSilence: ['POST', '/api/silences'],
  endSilence: ['DELETE', '/api/silences/:id'],
  maintenance: ['GET', '/api/maintenance'],
  endMaintenance: ['DELETE', '/api/maintenance/:id'],
  maintenanceSchedules: ['GET', '/api/maintenance-schedules'],
  addMaintenanceSchedule: ['POST', '/api/maintenance-schedules'],
  endMaintenanceSchedule: ['DELETE', '/api/maintenance-schedules/:id'],
  hours: ['GET', '/api/clients/:client/hours'],
  setHours: ['POST', '/api/clients/:client/hours'],
  noise: ['GET', '/api/noise'],
  suppressions: ['GET', '/api/suppressions'],
} as const satisfies Partial<Table<keyof Routes>>

/** Routes of scripts, jobs, runs, secrets and knowledge. */
const WORK_PATHS = {
  scripts: ['GET', '/api/scripts'],
  script: ['GET', '/api/scripts/:name'],
  createJob: ['POST', '/api/jobs'],
  job: ['GET', '/api/jobs/:id'],
  jobs: ['GET', '/api/jobs'],
  cancelJob: ['POST', '/api/jobs/:id/cancel'],
  planRun: ['POST', '/api/runs/plan'],
  createRun: ['POST', '/api/runs'],
  runs: ['GET', '/api/runs'],
  run: ['GET', '/api/runs/:id'],
  runResults: ['GET', '/api/runs/:id/results'],
  cancelRun: ['POST', '/api/runs/:id/cancel'],
  rerunFailed: ['POST', '/api/runs/:id/rerun'],
  views: ['GET', '/api/views'],
  viewDevices: ['GET', '/api/views/:id/devices'],
  saveView: ['POST', '/api/views'],
  removeView: ['DELETE', '/api/views/:id'],
  secrets: ['GET', '/api/secrets'],
  setSecret: ['POST', '/api/secrets'],
  removeSecret: ['DELETE', '/api/secrets/:name'],
  articles: ['GET', '/api/articles'],
  article: ['GET', '/api/articles/:slug'],
  saveArticle: ['POST', '/api/articles'],
  removeArticle: ['DELETE', '/api/articles/:slug'],
} as const satisfies Partial<Table<keyof Routes>>

/** Routes of remote sessions. */
const REMOTE_PATHS = {
  trust: ['GET', '/api/trust'],
  remoteOffer: ['GET', '/api/devices/:device/remote'],
  openRemote: ['POST', '/api/remote'],
  remotes: ['GET', '/api/remote'],
  remote: ['GET', '/api/remote/:id'],
  closeRemote: ['POST', '/api/remote/:id/close'],
} as const satisfies Partial<Table<keyof Routes>>

/**
 * Method and path of each route. The types tie every line to contract/http.ts, so that a change there is a
 * fault here, while its schemas (and zod with them) stay out of the bundle.
 */
const PATHS: Table<Used> = {
  ...ACCESS_PATHS,
  ...RULE_PATHS,
  ...NOISE_PATHS,
  ...REMOTE_PATHS,
  ...WORK_PATHS,
  health: ['GET', '/healthz'],
  setup: ['POST', '/api/setup'],
  setupState: ['GET', '/api/setup'],
  login: ['POST', '/api/login'],
  logout: ['POST', '/api/logout'],
  me: ['GET', '/api/me'],
  clients: ['GET', '/api/clients'],
  devices: ['GET', '/api/devices'],
  device: ['GET', '/api/devices/:device'],
  deviceFacts: ['GET', '/api/devices/:device/facts'],
  deviceSeries: ['GET', '/api/devices/:device/series'],
  incidents: ['GET', '/api/incidents'],
  incident: ['GET', '/api/incidents/:id'],
  tickets: ['GET', '/api/tickets'],
  ticket: ['GET', '/api/tickets/:id'],
  updateTicket: ['PATCH', '/api/tickets/:id'],
  ledger: ['GET', '/api/ledger'],
  hostile: ['GET', '/api/hostile'],
}

type Part<K extends Used, P extends 'params' | 'query' | 'body'> =
  Routes[K] extends Record<P, infer S extends z.ZodType> ? Record<P, z.input<S>> : Partial<Record<P, never>>
type Input<K extends Used> = Part<K, 'params'> & Part<K, 'body'> & Partial<Part<K, 'query'>>
type Parts = { params?: object; query?: object; body?: unknown }

/** What a route answers. */
export type Answer<K extends Used> = z.output<Routes[K]['answer']>

/**
 * Calls a route of the contract on the server that served this page. Throws a VigiaError with the server's own
 * code, message and faults; SERVER_AWAY when nothing answers.
 */
export async function call<K extends Used>(
  name: K,
  input: Input<K>,
  signal?: AbortSignal,
): Promise<Answer<K>> {
  const [method, path] = PATHS[name]
  const { params, query, body } = input as Parts
  const headers: Record<string, string> = { accept: 'application/json' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  let response: Response
  try {
    response = await fetch(fill(path, params) + search(query), {
      method,
      headers,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new VigiaError('SERVER_AWAY', 'The server did not answer.', { cause: error })
  }
  const isJson = response.headers.get('content-type')?.includes('json') ?? false
  // A server that is not well says so with 503 and still answers /healthz in full.
  if (response.ok || (name === 'health' && isJson)) return (await response.json()) as Answer<K>
  throw await failure(response, isJson)
}

async function failure(response: Response, isJson: boolean): Promise<VigiaError> {
  if (!isJson) return new VigiaError('SERVER_AWAY', `The server answered ${response.status}.`)
  const answer = (await response.json()) as ErrorAnswer
  const code: ErrorCode = Object.hasOwn(ERROR_CODES, answer.code) ? (answer.code as ErrorCode) : 'INTERNAL'
  const message = answer.id === undefined ? answer.message : `${answer.message} (${answer.id})`
  return new VigiaError(code, message, { faults: answer.faults as VigiaError['faults'] })
}

function fill(path: string, params: object = {}): string {
  const values = new Map(Object.entries(params).map(([name, value]) => [name, String(value)]))
  return path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(values.get(name) ?? ''))
}

function search(query: object = {}): string {
  const present = Object.entries(query).filter(([, value]) => value !== undefined)
  if (present.length === 0) return ''
  return `?${new URLSearchParams(present.map(([name, value]): [string, string] => [name, String(value)])).toString()}`
}
