import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentPaths } from '../../../agent/paths.ts'
import type { CommandOrder } from '../../../contract/command.ts'
import { DEFAULT_POLICY } from '../../../contract/down.ts'
import { ORDER_TYPE, SCRIPT_TYPE, type DsseEnvelope } from '../../../contract/trust/dsse.ts'
import { openOrderKey } from '../../../server/fleet/trust.ts'
import type { SigningKey } from '../../../server/script/keys.ts'
import { scriptPayload, shippedScripts } from '../../../server/script/library.ts'
import { payloadDigest, seal } from '../../../server/script/sign.ts'
import { makeSigner } from '../../agent/act/signing.ts'
import { startAgentProcess } from '../../agent/agent-process.ts'
import { eventually } from '../../support/installation.ts'
import { enrolStolen, ownServer, redirect, type OwnedServer, type Stolen } from '../attacker.ts'
import type { AttackedSite } from './site.ts'

/** What one who owns the server may order a real agent to do. */
export function attacksByOrders(site: () => AttackedSite): void {
  describe('who owns the server', () => {
    const mine = makeSigner('attacker')
    let online: SigningKey
    let victim: Stolen
    let server: OwnedServer
    let agent: ReturnType<typeof startAgentProcess>
    let sequence = 100

    beforeAll(async () => {
      const { vigia, folder } = site()
      const { trusted, privateKey } = openOrderKey(join(vigia.dataDir, 'keys'))
      online = { ...trusted, privateKey }
      victim = await enrolStolen(vigia, 'demo', folder)
      server = await ownServer(vigia.dataDir, victim)
      redirect(victim, server.url, { ...DEFAULT_POLICY, intervalS: 3600 })
      agent = startAgentProcess(victim.dataDir)
      await eventually('the session of the victim', 30_000, async () => server.hello())
    }, 60_000)

    afterAll(async () => {
      agent.child.kill('SIGKILL')
      await agent.exited
      await server.close()
    })

    const shipped = (name: string) => shippedScripts().find(({ content }) => content.name === name)!
    function order(script: DsseEnvelope, more: Partial<CommandOrder> = {}, by: SigningKey = online) {
      sequence += 1
      const content: CommandOrder = {
        v: 1,
        job: randomUUID(),
        client: victim.client,
        device: victim.device,
        challenge: server.hello()!.challenge,
        nonce: randomBytes(16).toString('base64url'),
        sequence,
        issuedAtMs: Date.now(),
        expiresAtMs: Date.now() + 60_000,
        scriptDigest: payloadDigest(script),
        parameters: {},
        ...more,
      }
      const sealed = seal(ORDER_TYPE, Buffer.from(JSON.stringify(content)), [by])
      return { job: content.job, message: { type: 'command' as const, order: sealed, script } }
    }
    async function verdictOn({ job, message }: ReturnType<typeof order>) {
      expect(await server.send(message)).toBe(true)
      return server.verdict(job)
    }

    it('runs nothing that no approver signed, and nothing changed, retargeted, expired or out of its type', async () => {
      const { local, folder } = site()
      const evil = { ...shipped('device-facts').content, body: `touch ${folder}/owned\n` }
      const facts = shipped('device-facts').envelope
      const swapped = { ...facts, payload: Buffer.from(scriptPayload(evil)).toString('base64') }
      const selfMade = (by: readonly SigningKey[]) => seal(SCRIPT_TYPE, scriptPayload(evil), by)
      const restart = shipped('restart-service').envelope
      const cases: [string, ReturnType<typeof order>][] = [
        ['COMMAND_UNAPPROVED', order(selfMade([mine]))],
        ['COMMAND_UNAPPROVED', order(selfMade([online]))],
        ['COMMAND_FORGED', order(selfMade([{ ...mine, keyid: facts.signatures[0]!.keyid }]))],
        ['COMMAND_FORGED', order(swapped)],
        ['COMMAND_FORGED', order(facts, { scriptDigest: payloadDigest(restart) })],
        ['COMMAND_FORGED', order(facts, {}, mine)],
        ['COMMAND_FORGED', order(facts, {}, { ...mine, keyid: online.keyid })],
        ['COMMAND_RETARGETED', order(facts, { device: local.device })],
        ['COMMAND_RETARGETED', order(facts, { client: 'evil' })],
        ['COMMAND_EXPIRED', order(facts, { expiresAtMs: Date.now() - 1 })],
        [
          'COMMAND_EXPIRED',
          order(facts, { issuedAtMs: Date.now() + 3_600_000, expiresAtMs: Date.now() + 7_200_000 }),
        ],
        ['COMMAND_REPLAYED', order(facts, { challenge: 'A'.repeat(43) })],
        ['COMMAND_MALFORMED', order(restart, { parameters: { service: '../../tmp/x' } })],
        ['COMMAND_MALFORMED', order(restart, { parameters: { service: 'x\n/bin/sh' } })],
        ['COMMAND_MALFORMED', order(restart, { parameters: { service: 'cron', PATH: '/tmp' } })],
        ['COMMAND_MALFORMED', order(restart, { parameters: { service: 7 } })],
        ['COMMAND_MALFORMED', order(shipped('top-processes').envelope, { parameters: { count: 1e6 } })],
      ]
      const got: string[] = []
      for (const [, attempt] of cases) got.push((await verdictOn(attempt)).code ?? 'ran')
      expect(got).toEqual(cases.map(([code]) => code))
      expect(readdirSync(folder)).not.toContain('owned')
    }, 60_000)

    it('can order an approved script once, and neither again nor after a restart of the agent', async () => {
      const facts = shipped('device-facts').envelope
      const first = order(facts)
      expect(await verdictOn(first)).toMatchObject({ outcome: 'exited', exitCode: 0 })
      // The agent's own log: a refusal is no word about a job whose true end may still be on its way.
      const replays = (): number => agent.stderr().split('COMMAND_REPLAYED').length - 1
      const refusesAsReplayed = async (message: typeof first.message) => {
        const before = replays()
        await server.send(message)
        await eventually('the refusal', 20_000, async () => replays() > before)
      }
      await refusesAsReplayed(first.message)
      const oldChallenge = server.hello()!.challenge

      agent.child.kill('SIGKILL')
      await agent.exited
      await eventually('the end of the session', 10_000, async () => server.hello() === undefined)
      agent = startAgentProcess(victim.dataDir)
      await eventually('the next session', 30_000, async () => server.hello())
      expect(server.hello()!.challenge).not.toBe(oldChallenge)
      await refusesAsReplayed(first.message)
      await refusesAsReplayed(order(facts, { sequence: 1 }).message)
      await refusesAsReplayed(order(facts, { job: first.job }).message)
      const starts = server.heard.filter(
        ({ channel, payload }) =>
          channel === 'result' && payload.includes(first.job) && payload.includes('"started"'),
      )
      expect(new Set(starts.map(({ payload }) => String(payload))).size).toBe(1)

      writeFileSync(agentPaths(victim.dataDir).killSwitch, '')
      expect(await verdictOn(order(facts))).toMatchObject({ outcome: 'refused', code: 'COMMAND_DISABLED' })
      rmSync(agentPaths(victim.dataDir).killSwitch)
    }, 90_000)

    it('reads no file through the policy and does not hang the agent by one', async () => {
      const { folder } = site()
      const secret = `secret-${randomBytes(12).toString('hex')}`
      writeFileSync(
        join(folder, 'secret.pem'),
        `-----BEGIN CERTIFICATE-----\n${secret}\n-----END CERTIFICATE-----\n`,
      )
      const fifo = join(folder, 'fifo.pem')
      execFileSync('mkfifo', [fifo])
      writeFileSync(join(folder, 'real.pem'), victim.cert)
      const certificates = [
        ...[fifo, '/dev/zero', '/dev/tty', '/proc/kmsg', '/proc/self/environ', '/etc/shadow'],
        ...[join(folder, 'secret.pem'), join(folder, 'real.pem'), agentPaths(victim.dataDir).key],
      ]
      const before = server.heard.length
      const policy = {
        ...DEFAULT_POLICY,
        version: 7,
        intervalS: 1,
        collectorIntervalS: { certificate: 1 },
        certificates,
        includeMounts: ['/proc', '/../../etc', '/etc/shadow'],
        services: ['a', 'x.y'],
      }
      await server.send({ type: 'policy', policy })
      await eventually('a layout with the certificates', 20_000, async () =>
        server.heard
          .slice(before)
          .some(({ channel, payload }) => channel === 'layout' && payload.includes('real.pem')),
      )
      await sleep(2500)
      // It still answers: nothing that it was told to read has stopped it.
      expect(await verdictOn(order(shipped('device-facts').envelope))).toMatchObject({ outcome: 'exited' })
      const all = Buffer.concat(server.heard.map(({ payload }) => payload)).toString('latin1')
      expect(all).not.toContain(secret)
      expect(all).not.toContain('PRIVATE KEY')
      expect(all).not.toContain('root:')
      await server.send({ type: 'policy', policy: { ...policy, services: ['../../etc/passwd'] } })
      await server.send({ type: 'exec', command: 'id' } as never)
      expect(await verdictOn(order(shipped('device-facts').envelope))).toMatchObject({ outcome: 'exited' })
    }, 60_000)
  })
}
