import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startedAt } from '../../../agent/act/started-at.ts'
import { workFolder } from '../../../agent/act/work.ts'
import { agentPaths } from '../../../agent/paths.ts'
import { until } from '../stub-server.ts'
import { session, executorSuite } from './executor-suite.ts'

const { dataDir, executor, outbox, begin, command, results, run, end } = executorSuite()

describe('executor', () => {
  it('never runs a job twice: the same command again, also after a restart of the agent', async () => {
    const mark = join(dataDir(), 'runs')
    const { job, message } = command(`echo run >> ${mark}`)
    executor().command(message, session)
    executor().command(message, session)
    await until('two ends', () => results(job).length === 3)
    expect(results(job).map(({ outcome, code }) => code ?? outcome)).toEqual([
      'started',
      'exited',
      'COMMAND_REPLAYED',
    ])
    await executor().stop()
    await outbox().close()
    begin()
    expect(executor().sequence()).toBeGreaterThan(0)
    executor().command(message, session)
    await until('refused', () => results(job).length === 4)
    expect(results(job).at(-1)).toMatchObject({ outcome: 'refused', code: 'COMMAND_REPLAYED' })
    expect(readFileSync(mark, 'utf8')).toBe('run\n')
  })

  it('a job whose runner was killed is unknown and never runs again', async () => {
    const mark = join(dataDir(), 'runs')
    const { job, message } = command(`echo run >> ${mark}; sleep 60`)
    executor().command(message, session)
    await until('it runs', () => existsSync(mark))
    const entry = JSON.parse(readFileSync(join(agentPaths(dataDir()).jobs, `${job}.json`), 'utf8')) as {
      pid: number
    }
    process.kill(entry.pid, 'SIGKILL')
    expect(await end(job)).toMatchObject({ outcome: 'unknown', code: 'JOB_UNKNOWN' })
    expect(existsSync(workFolder(agentPaths(dataDir()).jobs, job))).toBe(false)
    executor().command(message, session)
    await until('refused', () => results(job).length === 3)
    expect(readFileSync(mark, 'utf8')).toBe('run\n')
  })

  it('after a crash between start and end the next start reports unknown, once', async () => {
    const job = crypto.randomUUID()
    const { jobs } = agentPaths(dataDir())
    const entry = {
      job,
      sequence: 9000,
      scriptDigest: '',
      startedAtMs: 1,
      pid: 0,
      startTicks: '',
      finished: false,
    }
    mkdirSync(jobs, { recursive: true })
    writeFileSync(join(jobs, `${job}.json`), JSON.stringify(entry))
    const torn = crypto.randomUUID()
    writeFileSync(join(jobs, `${torn}.json`), '{"job":')
    // Of this one, and of another that is long forgotten.
    const left = [job, crypto.randomUUID()].map((each) => workFolder(jobs, each))
    for (const folder of left) mkdirSync(folder)
    executor().recover()
    expect(left.map((folder) => existsSync(folder))).toEqual([false, false])
    expect(await end(job)).toMatchObject({ outcome: 'unknown', code: 'JOB_UNKNOWN' })
    expect(await end(torn)).toMatchObject({ outcome: 'unknown' })
    await until(
      'noted',
      () => (JSON.parse(readFileSync(join(jobs, `${job}.json`), 'utf8')) as typeof entry).finished,
    )
    await until('noted too', () =>
      readFileSync(join(jobs, `${torn}.json`), 'utf8').includes('"finished":true'),
    )
    executor().recover()
    expect(results()).toHaveLength(2)
  })

  it('a runner outlives a killed agent: the next start takes its end', async () => {
    const job = crypto.randomUUID()
    const { jobs } = agentPaths(dataDir())
    mkdirSync(jobs, { recursive: true })
    const stand = spawn('sleep', ['60'], { stdio: 'ignore' })
    const entry = {
      job,
      sequence: 9001,
      scriptDigest: '',
      startedAtMs: 1,
      pid: stand.pid,
      startTicks: startedAt(stand.pid!),
      finished: false,
    }
    writeFileSync(join(jobs, `${job}.json`), JSON.stringify(entry))
    executor().recover()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(results(job)).toEqual([])
    const done = { ...(await run('echo x')), job, outcome: 'exited', stdout: 'late\n' }
    writeFileSync(join(jobs, `${job}.end`), JSON.stringify(done))
    stand.kill('SIGKILL')
    expect(await end(job)).toMatchObject({ outcome: 'exited', stdout: 'late\n' })
  })

  it('a stopping agent ends its jobs and has their ends in the outbox', async () => {
    const { job, message } = command('sleep 60')
    executor().command(message, session)
    await until('it runs', () => results(job).length === 1)
    await executor().stop()
    expect(results(job).at(-1)).toMatchObject({ outcome: 'cancelled', message: 'the agent was stopped' })
  })
})
