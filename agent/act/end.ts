import { LIMITS } from '../../contract/limits.ts'
import type { JobEnd } from './ledger.ts'
import type { Output } from './runner/output.ts'

/** The end of a job of which nothing but the outcome is known. */
export function emptyEnd(job: string, outcome: JobEnd['outcome'], timeMs: number): JobEnd {
  return {
    job,
    timeMs,
    outcome,
    code: null,
    message: null,
    exitCode: null,
    durationMs: null,
    stdoutBytes: 0,
    stderrBytes: 0,
    stdout: '',
    stderr: '',
    fields: {},
    transcript: [],
  }
}

/** A job that was started and whose end nobody wrote down. */
export function unknownEnd(job: string, nowMs: number): JobEnd {
  return {
    ...emptyEnd(job, 'unknown', Math.trunc(nowMs)),
    code: 'JOB_UNKNOWN',
    message: 'The job was started and its end was not recorded; it is not run again',
  }
}

/** A job that certainly did not run, since it was not even written down as started. */
export function notStarted(job: string, nowMs: number): JobEnd {
  return {
    ...emptyEnd(job, 'refused', Math.trunc(nowMs)),
    code: 'INTERNAL',
    message: 'What checks the command ended before the script was started; nothing ran',
  }
}

/** Room in a packet for what stands beside the output: fields, message, names. */
const ROOM_BESIDE = 72 * 1024

/** The output of a job as it is sent: as much as fits into one packet once it is JSON, which may grow sixfold. */
export function fitEnd(output: Output): ReturnType<Output['summary']> {
  return output.summary(Math.min(LIMITS.packetBytes - ROOM_BESIDE, LIMITS.jobOutputBytes))
}

/** The job that an order names, which need not be true: only to say to which job the refusal belongs. */
export function claimedJob(payload: string): string | undefined {
  const job = /"job":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"/.exec(
    Buffer.from(payload, 'base64').toString('utf8'),
  )
  return job?.[1]
}
