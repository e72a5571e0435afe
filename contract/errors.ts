/**
 * Every error code of Vigía, once. `retry` decides what a stage's loop does next; `http` and `exit` are what a
 * caller sees; `next` is the step that mends it. docs/reference/errors.md is made from this table and a test
 * holds the two together.
 */
export type RetryClass = 'transient' | 'permanent' | 'ambiguous'

type ErrorRow = { retry: RetryClass; http: number; exit: number; next: string }

export const ERROR_CODES = {
  // input
  REQUEST_INVALID: row('permanent', 400, 2, 'Correct the fields that the message names and send it again.'),
  CONFIG_INVALID: row('permanent', 400, 2, 'Correct the named fields; nothing was applied.'),
  RULES_INVALID: row(
    'permanent',
    400,
    2,
    'Correct the named lines; nothing was applied. Try "vigia rules check".',
  ),
  NOT_FOUND: row('permanent', 404, 4, 'List what exists and use one of those names.'),
  CONFLICT: row('permanent', 409, 5, 'Read the present state and decide again.'),
  USAGE: row('permanent', 400, 2, 'See "vigia --help".'),
  // access
  UNAUTHENTICATED: row('permanent', 401, 3, 'Sign in, or run the command on the machine of the server.'),
  LOGIN_THROTTLED: row('transient', 429, 75, 'Wait as long as the message says, then try once more.'),
  FORBIDDEN: row('permanent', 403, 3, 'Ask an owner of this client for the role that is named.'),
  ORIGIN_FOREIGN: row(
    'permanent',
    403,
    3,
    'Open the console at an address that the server knows; http.names in vigia.yaml adds one.',
  ),
  SETUP_DONE: row(
    'permanent',
    409,
    5,
    'Set-up works once. Sign in, or reset the owner with "vigia user reset".',
  ),
  LAST_OWNER: row(
    'permanent',
    409,
    5,
    'Let another owner sign in first, one for all clients: "vigia user add NAME --role owner".',
  ),
  OWN_ACCOUNT: row(
    'permanent',
    409,
    5,
    'Let another owner do it, or the machine of the server: "vigia user remove NAME".',
  ),
  NAME_OF_FORMER: row(
    'permanent',
    409,
    5,
    'Choose a name that tells the two apart. If it is the same person, "vigia user add NAME --returns".',
  ),
  ENROL_TOKEN_INVALID: row('permanent', 403, 3, 'Make a new token with "vigia enrol-token" and enrol again.'),
  ENROL_TRUST_MISMATCH: row(
    'permanent',
    403,
    3,
    'Make a new token if the approvers changed the trust root meanwhile. Otherwise it is not the server that the token names: check the address.',
  ),
  DEVICE_REVOKED: row('permanent', 403, 3, 'Enrol the device again if it should come back.'),
  // signed commands
  COMMAND_FORGED: row(
    'permanent',
    403,
    3,
    'A signature does not match. Treat it as an attack until explained.',
  ),
  COMMAND_REPLAYED: row('permanent', 409, 5, 'The job already ran or is running. Order a new job.'),
  COMMAND_RETARGETED: row(
    'permanent',
    403,
    3,
    'The order names another device or client. Treat it as an attack until explained.',
  ),
  COMMAND_EXPIRED: row('permanent', 410, 5, 'Order the job again; check the clocks of server and device.'),
  COMMAND_UNAPPROVED: row('permanent', 403, 3, 'Sign the script with "vigia approve FILE".'),
  COMMAND_MALFORMED: row('permanent', 400, 2, 'Correct the parameters that the message names.'),
  COMMAND_BUSY: row('transient', 503, 75, 'Wait for the running job to end.'),
  COMMAND_DISABLED: row(
    'permanent',
    403,
    3,
    'Allow commands again: "vigia commands allow", or the file commands-disabled on the device itself.',
  ),
  SCRIPT_UNSUPPORTED: row('permanent', 400, 2, 'Choose a script for the operating system of the device.'),
  SCRIPT_TIMEOUT: row('permanent', 504, 1, 'Raise the time limit of the script and approve it again.'),
  SCRIPT_PRIVILEGE: row(
    'permanent',
    403,
    3,
    'Run the agent as root or as a service of the system, or choose another script.',
  ),
  SCRIPT_LIMIT: row(
    'permanent',
    507,
    1,
    'The script used more than it may. Raise its limits and approve it again, or mend it.',
  ),
  SCRIPT_REVOKED: row('permanent', 403, 3, 'This version was withdrawn. Use a newer one.'),
  APPROVAL_EXPIRED: row(
    'permanent',
    403,
    3,
    'Approve it anew under a higher version: "vigia approve FILE --script-version N".',
  ),
  SCRIPT_NO_DRY_RUN: row(
    'permanent',
    400,
    2,
    'This script cannot be tried without changes. Try it on one device first.',
  ),
  COMMAND_LIMIT: row(
    'transient',
    429,
    75,
    'The device takes no more orders for now. Treat a flood of orders as an attack until explained.',
  ),
  TRUST_THRESHOLD: row(
    'permanent',
    403,
    3,
    'Let more approvers sign with "vigia trust sign", then apply it again.',
  ),
  TRUST_INVALID: row(
    'permanent',
    400,
    2,
    'Make the next root from the one in force with "vigia trust draft", and sign that.',
  ),
  SECRET_MISSING: row('permanent', 400, 2, 'Store it first with "vigia secret set NAME".'),
  SECRET_UNSEALED: row(
    'permanent',
    403,
    3,
    'The secret was not sealed for this session. Order the job again.',
  ),
  SECRET_UNUSABLE: row(
    'permanent',
    400,
    2,
    'Give the script in PowerShell, which takes any secret, or store one without these characters.',
  ),
  DEVICE_OFFLINE: row(
    'transient',
    503,
    75,
    'Wait until the device is connected, or order it so that it waits for the device.',
  ),
  RUN_TARGET_EMPTY: row(
    'permanent',
    400,
    2,
    'Choose another target; see which devices it would reach with "vigia run --plan".',
  ),
  // second factor and remote sessions
  SECOND_FACTOR_REQUIRED: row(
    'permanent',
    403,
    3,
    'Confirm with your second factor; set one up under your name first.',
  ),
  SECOND_FACTOR_INVALID: row(
    'permanent',
    403,
    3,
    'Wait for the next code, and check the clock of the device that shows it.',
  ),
  REMOTE_REFUSED: row('permanent', 403, 3, 'The person at the machine said no. Ask them first.'),
  REMOTE_NOBODY: row(
    'permanent',
    403,
    3,
    'Nobody is there to be asked, and this device may not be opened unattended.',
  ),
  REMOTE_FORBIDDEN: row(
    'permanent',
    403,
    3,
    'The policy of this device does not allow it; approvers can change the policy.',
  ),
  REMOTE_UNAVAILABLE: row(
    'transient',
    503,
    75,
    'The device is not connected, or has too many sessions, or its part is missing. The message says which.',
  ),
  FILE_OUTSIDE: row('permanent', 403, 3, 'Stay inside the folders that the device allows.'),
  FILE_TOO_LARGE: row('permanent', 413, 2, 'Choose a smaller file, or pack it in parts.'),
  FILE_CHANGED: row(
    'permanent',
    409,
    5,
    'The file changed meanwhile, or its checksum does not match. Begin again.',
  ),
  JOB_UNKNOWN: row(
    'ambiguous',
    409,
    5,
    'Nobody can know whether the script ran. Look at the device, then order again.',
  ),
  // ingest refusals
  REPORT_MALFORMED: row('permanent', 400, 2, 'Update the agent; see the kept sample in "vigia hostile".'),
  REPORT_OVERSIZED: row('permanent', 413, 2, 'Report fewer series or shorter labels.'),
  REPORT_WRONG_TENANT: row('permanent', 403, 3, 'A device may publish only under its own topic.'),
  REPORT_FUTURE: row('permanent', 400, 2, 'Set the clock of the device.'),
  REPORT_TOO_OLD: row('permanent', 400, 2, 'Reports older than the retention are not accepted.'),
  REPORT_DUPLICATE: row('permanent', 409, 5, 'None: the report was stored before.'),
  REPORT_LAYOUT_UNKNOWN: row('transient', 409, 75, 'None: the server asks the agent for its layout.'),
  INGEST_FULL: row('transient', 503, 75, 'None: the agent keeps the report and sends it again.'),
  // parts that are away
  STORE_UNAVAILABLE: row('transient', 503, 75, 'Start the metrics store; samples wait on disk until then.'),
  STORE_INVALID: row('permanent', 400, 2, 'Correct the named part of the query.'),
  RECORDS_UNAVAILABLE: row('transient', 503, 75, 'Start PostgreSQL, or correct DATABASE_URL.'),
  RECORDS_NEWER: row('permanent', 500, 78, 'The database is of a newer Vigía. Update this server.'),
  RECORDS_CHANGED: row(
    'permanent',
    500,
    78,
    'Install the release that made this database; a migration must never change.',
  ),
  RECORDS_TOO_OLD: row('permanent', 500, 78, 'Use PostgreSQL 15 or newer.'),
  BROKER_UNAVAILABLE: row('transient', 503, 75, 'Start the broker, or correct its address and credentials.'),
  DISK_FULL: row('transient', 507, 74, 'Free space on the disk that is named.'),
  // start
  DATA_IN_USE: row('permanent', 500, 73, 'Stop the process that is named, or choose another --data.'),
  DATA_UNREADABLE: row('permanent', 500, 73, 'Correct owner and mode of the path that is named.'),
  PORT_IN_USE: row('permanent', 500, 69, 'Choose another port with the option that is named.'),
  SERVER_AWAY: row('transient', 503, 69, 'Start it with "npm start", or say where it is with --server.'),
  BACKUP_INVALID: row(
    'permanent',
    400,
    2,
    'Choose another backup file; this one is damaged or not a backup.',
  ),
  LAB_UNAVAILABLE: row('permanent', 400, 69, 'Meet the condition that is named and try again.'),
  LAB_FAILED: row(
    'permanent',
    500,
    1,
    'Read the steps above; the part that did not come is the one to look at.',
  ),
  INTERNAL: row(
    'ambiguous',
    500,
    70,
    'This is a fault of Vigía. Report it with the log line that carries the id.',
  ),
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERROR_CODES

/** One fault in an input: where it stands and what is wrong. Line and column count from 1. */
export type Fault = { file?: string; line?: number; column?: number; field?: string; message: string }

/** The only error class: a code of the table, a message for a person, and the faults with their places. */
export class VigiaError extends Error {
  readonly code: ErrorCode
  readonly faults: readonly Fault[]

  constructor(
    code: ErrorCode,
    message: string,
    options: { faults?: readonly Fault[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'VigiaError'
    this.code = code
    this.faults = options.faults ?? []
  }

  /** What the stage's loop should do next. */
  get retry(): RetryClass {
    return ERROR_CODES[this.code].retry
  }

  /** The step that mends it. */
  get next(): string {
    return ERROR_CODES[this.code].next
  }
}

/** Wraps anything thrown as a VigiaError, keeping the cause. A system that has no room left is DISK_FULL. */
export function asVigiaError(thrown: unknown, code: ErrorCode = 'INTERNAL'): VigiaError {
  if (thrown instanceof VigiaError) return thrown
  if (thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT'))
    return new VigiaError('DISK_FULL', thrown.message, { cause: thrown })
  return new VigiaError(code, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown })
}

function row(retry: RetryClass, http: number, exit: number, next: string): ErrorRow {
  return { retry, http, exit, next }
}
