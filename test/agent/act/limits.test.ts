import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findInterpreter } from '../../../agent/act/runner/interpreter.ts'
import { createOutput } from '../../../agent/act/runner/output.ts'
import { runScript } from '../../../agent/act/runner/process.ts'
import { treeOf } from '../../../agent/act/tree/group.ts'
import { checkRoom, floorOf, passedLimit } from '../../../agent/act/runner/watch.ts'
import { until } from '../stub-server.ts'
import { createBench, lives, pidsIn, type Bench } from './harness.ts'
import { script } from './signing.ts'

const LIMITS = { memoryMb: 1024, processes: 256, writtenMb: 10_240 }
let bench: Bench
let pids = ''
beforeEach(() => {
  bench = createBench()
  pids = join(bench.dataDir, 'pids')
})
afterEach(() => bench.close())

const allGone = (): Promise<void> => until('all gone', () => !pidsIn(pids).some(lives), 3000)

describe('limits of a job', () => {
  it('memory: a tree that eats more than it may is ended', async () => {
    const eat = `python3 -c 'import time; x = bytearray(120 << 20); x[::4096] = b"1" * len(x[::4096]); time.sleep(60)'`
    const result = await bench.run(
      `echo $$ > ${pids}; for i in 1 2; do (${eat}) & echo $! >> ${pids}; done; trap '' TERM; wait`,
      { limits: { ...LIMITS, memoryMb: 200 } },
    )
    expect(result).toMatchObject({ outcome: 'exited', exitCode: null, code: 'SCRIPT_LIMIT' })
    expect(result.message).toMatch(/memory: \d+ MB of at most 200 MB/)
    await allGone()
  })

  it('processes: what forks without an end is ended, each of them', async () => {
    const result = await bench.run(
      `for i in $(seq 120); do (trap '' TERM; sleep 60) & echo $! >> ${pids}; done; wait`,
      { limits: { ...LIMITS, processes: 40 } },
    )
    expect(result).toMatchObject({ outcome: 'exited', exitCode: null, code: 'SCRIPT_LIMIT' })
    expect(result.message).toMatch(/processes: \d+ of at most 40/)
    await allGone()
  })

  it('written: the system stops a file that becomes too large', async () => {
    const file = join(bench.dataDir, 'big')
    const result = await bench.run(`dd if=/dev/zero of=${file} bs=65536 count=64; exit $?`, {
      limits: { ...LIMITS, writtenMb: 2 },
    })
    expect(result).toMatchObject({ outcome: 'exited', code: 'SCRIPT_LIMIT' })
    expect(result.message).toContain('a file of more than 2 MB')
    expect(statSync(file).size).toBe(2 * 1024 * 1024)
    expect(existsSync(join(bench.dataDir, 'core'))).toBe(false)
  })

  it('output: a flood beyond all measure is ended', async () => {
    const output = createOutput()
    const workDir = join(bench.dataDir, 'work')
    const running = runScript({
      script: script('yes'),
      interpreter: findInterpreter('sh'),
      values: {},
      secrets: {},
      dryRun: false,
      job: crypto.randomUUID(),
      dataDir: bench.dataDir,
      workDir,
      onOutput: (stream, chunk) => output.add(stream, chunk),
      outputBytes: () => output.bytes(),
      floodBytes: 50_000_000,
    })
    expect(await running.ended).toMatchObject({ limit: 'output: more than 50000000 bytes', left: 0 })
    expect(existsSync(workDir)).toBe(false)
  })

  it('disk: a script that fills the disk of the agent is ended before it is full', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vigia-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', folder])
    const small = createBench(folder)
    try {
      const result = await small.run(
        `i=0; while :; do head -c 1000000 /dev/zero > $VIGIA_AGENT_DATA/f$i || sleep 60; i=$((i+1)); sleep 0.02; done`,
      )
      expect(result).toMatchObject({ outcome: 'exited', exitCode: null, code: 'SCRIPT_LIMIT' })
      expect(result.message).toMatch(/disk: \d+ bytes are left/)
    } finally {
      await small.close().catch(() => undefined)
      execFileSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('room: scripts that make room may run on a disk that is nearly full, and nothing runs without any', () => {
    expect(floorOf(500e9)).toBe(32 * 1024 * 1024)
    expect(floorOf(10e6)).toBe(5e6)
    expect(() => checkRoom('/x', 2e6)).not.toThrow()
    expect(() => checkRoom('/x', 1e6)).toThrow(expect.objectContaining({ code: 'DISK_FULL' }))
  })

  it('shared pages count once before memory is called too much', () => {
    const members = [1, 2, 3].map((pid) => ({ pid, residentKb: 60_000 }))
    const tree = (exactKb: number) => ({ members: () => members, residentKb: () => exactKb })
    const limits = { memoryMb: 100, processes: 3 }
    expect(passedLimit(limits, tree(90_000))).toBeUndefined()
    expect(passedLimit(limits, tree(110_000))).toBe('memory: 108 MB of at most 100 MB')
    expect(passedLimit({ ...limits, processes: 2 }, tree(0))).toBe('processes: 3 of at most 2')
  })

  it('reads the tree out of the table of ps, without the dead', () => {
    // macOS 14, ps -axo pid=,ppid=,pgid=,rss=,stat=
    const table = `    1     0     1  12800 Ss
  412     1   412   3120 S
 9001   412  9001   2048 S
 9002  9001  9001   5120 R+
 9003  9002  9003  10240 S
 9004  9001  9001      0 Z
 9005   412   412   1024 S`
    expect(treeOf(9001, table)).toEqual([
      { pid: 9001, residentKb: 2048 },
      { pid: 9002, residentKb: 5120 },
      { pid: 9003, residentKb: 10_240 },
    ])
  })
})

describe('scripts that do not want to end', () => {
  it.each([
    [
      'leaves the group and the session, twice over, without its environment',
      `setsid sh -c 'env -i setsid sh -c "$LOOP" & sleep 60' &`,
    ],
    ['ignores SIGTERM in every process', `(trap '' TERM INT HUP; sh -c "$LOOP") & trap '' TERM INT HUP;`],
    ['closes its outputs', `exec >&- 2>&-; sh -c "$LOOP" &`],
    [
      'leaves zombies',
      `python3 -c 'import os, time; [os.fork() or os._exit(0) for i in range(20)]; time.sleep(60)' &`,
    ],
    ['stops itself', `sh -c "$LOOP" & kill -STOP $!; kill -STOP $$;`],
  ])('%s: the tree ends when it is cancelled, and the agent goes on', async (_, body) => {
    const loop = `trap "" TERM; echo $$ >> ${pids}; while :; do sleep 0.2; done`
    const job = bench.start(
      `LOOP='${loop}'; export LOOP; echo $$ >> ${pids}; ${body} echo ready > ${pids}.ready; sleep 60`,
    )
    await until(
      'it runs',
      () => pidsIn(pids).length >= 1 && (existsSync(`${pids}.ready`) || body.includes('STOP $$')),
    )
    // As long as the tree is looked at from time to time, what leaves it is known.
    await sleep(700)
    const before = Date.now()
    bench.executor.cancel(job)
    expect(await bench.end(job)).toMatchObject({ outcome: 'cancelled', message: 'cancelled by the server' })
    expect(Date.now() - before).toBeLessThan(9000)
    await allGone()
    expect(await bench.run('echo still here')).toMatchObject({ stdout: 'still here\n' })
  })

  it('what leaves everything behind at once is known by its limits all the same', async () => {
    const job = bench.start(`(env -i setsid sh -c 'echo $$ > ${pids}; exec sleep 60' &); sleep 60`)
    await until('it runs', () => pidsIn(pids).length === 1)
    bench.executor.cancel(job)
    expect(await bench.end(job)).toMatchObject({ outcome: 'cancelled' })
    await allGone()
  })

  it('a job that outlived its agent can be cancelled by the next one', async () => {
    const job = bench.start(`echo $$ > ${pids}; sleep 60`)
    await until('it runs', () => pidsIn(pids).length > 0)
    bench.another().cancel(job)
    expect(await bench.end(job)).toMatchObject({ outcome: 'cancelled', message: 'cancelled by the server' })
    await allGone()
  })

  it('when its runner is killed, nothing of it runs on', async () => {
    const job = bench.start(`echo $$ > ${pids}; setsid sleep 60 & echo $! >> ${pids}; wait`)
    await until('it runs', () => pidsIn(pids).length === 2)
    const entry = JSON.parse(readFileSync(join(bench.dataDir, 'jobs', `${job}.json`), 'utf8')) as {
      pid: number
    }
    process.kill(entry.pid, 'SIGKILL')
    expect(await bench.end(job)).toMatchObject({ outcome: 'unknown' })
    await allGone()
  })

  it('a daemon that a script leaves behind at its own end lives on, without the limits of the script', async () => {
    writeFileSync(pids, '')
    const result = await bench.run(`setsid sleep 30 > /dev/null 2>&1 & echo $! > ${pids}`, {
      limits: { ...LIMITS, writtenMb: 3 },
    })
    const message = 'exit code 0; 1 process of it left running'
    expect(result).toMatchObject({ outcome: 'exited', exitCode: 0, message })
    await sleep(500)
    const [daemon] = pidsIn(pids)
    expect(lives(daemon!)).toBe(true)
    expect(readFileSync(`/proc/${String(daemon)}/limits`, 'utf8')).toMatch(/Max file size +unlimited/)
    expect(
      readFileSync(`/proc/${String(daemon)}/stat`, 'latin1')
        .split(') ')[1]!
        .split(' ')[16],
    ).toBe('0')
    process.kill(daemon!, 'SIGKILL')
  })
})

describe('a job that is cancelled before it begins', () => {
  it('never runs, whether it waits or is being checked', async () => {
    const long = Array.from({ length: 4 }, () => bench.start('sleep 60'))
    const mark = join(bench.dataDir, 'ran')
    const waiting = bench.start(`echo ran > ${mark}`)
    bench.executor.cancel(waiting)
    expect(await bench.end(waiting)).toMatchObject({
      outcome: 'cancelled',
      message: 'cancelled by the server before it was started',
    })
    for (const job of long) bench.executor.cancel(job)
    for (const job of long) expect(await bench.end(job)).toMatchObject({ outcome: 'cancelled' })
    const checked = bench.start(`sleep 5; echo ran > ${mark}`)
    bench.executor.cancel(checked)
    expect(await bench.end(checked)).toMatchObject({ outcome: 'cancelled' })
    expect(existsSync(mark)).toBe(false)
  })
})
