import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type CommandOrder } from '../../../contract/command.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { agentPaths } from '../../../agent/paths.ts'
import { until } from '../stub-server.ts'
import { makeSigner, orderFor, script, sealOrder, sealScript } from './signing.ts'
import { ann, server, session, executorSuite } from './executor-suite.ts'

const { dataDir, executor, outbox, output, begin, command, results, run, end } = executorSuite()

describe('executor', () => {
  it('runs a signed script with its parameters as environment, streams its output and reports its end', async () => {
    const result = await run(
      'echo "hello $VIGIA_PARAM_WHO"; echo "VIGIA_FIELD freed_bytes=42"; echo bad >&2; echo "$VIGIA_AGENT_DATA"; ls; exit 3',
      { parameters: { who: { type: 'string', pattern: '.*', maxLength: 99, help: '' } } },
      { parameters: { who: '$(touch pwned); `touch pwned` "é' } },
    )
    expect(result).toMatchObject({
      outcome: 'exited',
      exitCode: 3,
      fields: { freed_bytes: '42' },
      stderr: 'bad\n',
    })
    expect(result.stdout).toBe(
      `hello $(touch pwned); \`touch pwned\` "é\nVIGIA_FIELD freed_bytes=42\n${dataDir()}\nscript.sh\n`,
    )
    const all = results(result.job)
    expect(all.map(({ outcome }) => outcome)).toEqual(['started', 'exited'])
    const live = output().filter(({ stream }) => stream === 'stdout')
    expect(live.map(({ text }) => text).join('')).toBe(result.stdout)
    const { jobs } = agentPaths(dataDir())
    await until('only the ledger is left', () => readdirSync(jobs).join() === `${result.job}.json`)
  })

  it('gives a script a clean environment of its own', async () => {
    process.env['SECRET_OF_THE_AGENT'] = 'x'
    const result = await run('env | cut -d= -f1 | sort | tr "\\n" " "')
    delete process.env['SECRET_OF_THE_AGENT']
    expect(
      result.stdout.split(' ').filter((name) => !['', 'PWD', '_', 'SHLVL', 'OLDPWD'].includes(name)),
    ).toEqual(['HOME', 'LANG', 'PATH', 'VIGIA_AGENT_DATA', 'VIGIA_JOB', 'VIGIA_NODE'])
  })

  it.each(['bash', 'python3', 'node'] as const)('runs %s', async (interpreter) => {
    const body = { bash: '[[ 1 ]] && echo ok', python3: 'print("ok")', node: 'console.log("ok")' }[
      interpreter
    ]
    expect(await run(body, { interpreter })).toMatchObject({ exitCode: 0, stdout: 'ok\n' })
  })

  it('refuses, says why, and runs nothing', async () => {
    const mark = join(dataDir(), 'ran')
    const body = `touch ${mark}`
    const eve = makeSigner('eve')
    const good = command(body)
    const sealed = sealScript(script(body), [ann])
    const cases: [string, Partial<CommandOrder>, typeof server, typeof ann][] = [
      ['COMMAND_FORGED', {}, eve, ann],
      ['COMMAND_UNAPPROVED', {}, server, eve],
      ['COMMAND_RETARGETED', { device: 'd-bbbbbbbbbbbbbbbb' }, server, ann],
      ['COMMAND_REPLAYED', { challenge: 'x'.repeat(43) }, server, ann],
      ['COMMAND_EXPIRED', { expiresAtMs: 1 }, server, ann],
      ['COMMAND_MALFORMED', { parameters: { x: 1 } }, server, ann],
    ]
    for (const [code, change, orderer, approver] of cases) {
      const by = sealScript(script(body), [approver])
      const order = orderFor(by, change)
      executor().command({ type: 'command', order: sealOrder(order, [orderer]), script: by }, session)
      expect([code, await end(order.job)]).toMatchObject([code, { outcome: 'refused', code }])
    }
    const over = sealScript(script(body, { approvedUntilMs: Date.now() - 1000 }), [ann])
    const late = orderFor(over)
    executor().command({ type: 'command', order: sealOrder(late, [server]), script: over }, session)
    expect(await end(late.job)).toMatchObject({ outcome: 'refused', code: 'APPROVAL_EXPIRED' })
    writeFileSync(agentPaths(dataDir()).killSwitch, '')
    executor().command(good.message, session)
    expect(await end(good.job)).toMatchObject({ outcome: 'refused', code: 'COMMAND_DISABLED' })
    expect(existsSync(mark)).toBe(false)
    expect(sealed.signatures).toHaveLength(1)
    expect(executor().sequence()).toBe(0)
  }, 40_000)

  it('ends the whole tree when the time is up, also what ignores SIGTERM or left the group', async () => {
    const pids = join(dataDir(), 'pids')
    const result = await run(
      `(trap '' TERM; echo $$ >> ${pids}; sh -c 'trap "" TERM; echo $$ >> ${pids}; while :; do sleep 0.1; done') &
       setsid sh -c 'trap "" TERM; echo $$ >> ${pids}; while :; do sleep 0.1; done' &
       echo $$ >> ${pids}; echo before; wait`,
      { timeoutS: 1 },
    )
    expect(result).toMatchObject({ outcome: 'timeout', code: 'SCRIPT_TIMEOUT', stdout: 'before\n' })
    const all = readFileSync(pids, 'utf8').trim().split('\n').map(Number)
    expect(all.length).toBeGreaterThanOrEqual(4)
    await until(
      'all gone',
      () => all.every((pid) => !existsSync(`/proc/${String(pid)}`) || isZombie(pid)),
      3000,
    )
  })

  it('cancels a job at the word of the server', async () => {
    const { job, message } = command('echo here; sleep 60')
    executor().command(message, session)
    await until('it runs', () => output().some(({ text }) => text === 'here\n'))
    executor().cancel(job)
    expect(await end(job)).toMatchObject({ outcome: 'cancelled', message: 'cancelled by the server' })
  })

  it('200 MB of output: bounded in the result and live, and the agent does not grow', async () => {
    const before = process.memoryUsage().rss
    const result = await run(
      'yes 0123456789abcde | head -c 209715200; echo; echo VIGIA_FIELD done=yes; echo the end',
    )
    expect(result.stdoutBytes).toBe(209_715_200 + 1 + 'VIGIA_FIELD done=yes\nthe end\n'.length)
    expect(result.stdout.endsWith('the end\n')).toBe(true)
    expect(result.stdout).toContain('bytes left out')
    expect(result.fields).toEqual({ done: 'yes' })
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(LIMITS.packetBytes)
    expect(output().reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(5_000_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6)
  }, 40_000)

  it('output of control characters still fits into one packet', async () => {
    const result = await run(`head -c 300000 /dev/zero | tr '\\0' '\\001'`)
    expect(result.stdoutBytes).toBe(300_000)
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(LIMITS.packetBytes)
  })

  it('a daemon that a script leaves behind holds nothing up', async () => {
    const pidFile = join(dataDir(), 'pid')
    const result = await run(`setsid sleep 30 & echo $! > ${pidFile}; echo started`)
    expect(result).toMatchObject({ outcome: 'exited', exitCode: 0, stdout: 'started\n' })
    expect(result.durationMs).toBeLessThan(5000)
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL')
  })

  it('a server that takes no live output slows no script down', async () => {
    await executor().stop()
    await outbox().close()
    begin(() => new Promise(() => undefined))
    const result = await run(
      'i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done',
    )
    expect(result).toMatchObject({ outcome: 'exited', stdoutBytes: 123_000 })
  })
})

function isZombie(pid: number): boolean {
  try {
    return (
      readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
        .split(') ')[1]
        ?.startsWith('Z') ?? true
    )
  } catch {
    return true
  }
}
