import { createSocket } from 'node:dgram'
import { describe, expect, it, onTestFinished } from 'vitest'
import { askResolver, dns, readResolvers } from '../../../agent/collect/dns.ts'
import { createReader } from '../../../agent/collect/source/read.ts'
import { machine, watch } from './machine.ts'

/** A resolver on loopback that answers with these flags and this many answers; the questions that it got. */
async function resolver(flags: number, answers: number): Promise<{ port: number; questions: Buffer[] }> {
  const questions: Buffer[] = []
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.on('message', (question, from) => {
    questions.push(question)
    const answer = Buffer.from(question)
    answer.writeUInt16BE(flags, 2)
    answer.writeUInt16BE(answers, 6)
    socket.send(answer, from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return { port: socket.address().port, questions }
}

describe('dns', () => {
  it.each([
    ['an answer', 0x8180, 1, 'example.org', true],
    ['NXDOMAIN to a name that was given', 0x8183, 0, 'example.org', false],
    ['no answer to a name that was given', 0x8180, 0, 'example.org', false],
    ['a truncated answer', 0x8380, 0, 'example.org', true],
    ['SERVFAIL', 0x8182, 0, undefined, false],
    ['REFUSED to the root, as inside resolvers do', 0x8185, 0, undefined, true],
    ['the question itself', 0x0100, 0, undefined, false],
  ])('of %s', async (_words, flags, answers, name, usable) => {
    const { port } = await resolver(flags, answers)
    const outcome = await askResolver({ server: '127.0.0.1', name, port, timeoutMs: 2000 })
    expect(outcome.answered).toBe(usable)
  })

  it('asks as RFC 1035 says', async () => {
    const { port, questions } = await resolver(0x8180, 1)
    await askResolver({ server: '127.0.0.1', name: 'www.example.org.', port })
    await askResolver({ server: '127.0.0.1', name: undefined, port })
    expect(questions[0]!.toString('latin1', 12)).toBe('\x03www\x07example\x03org\x00\x00\x01\x00\x01')
    expect(questions[1]!.toString('latin1', 12)).toBe('\x00\x00\x02\x00\x01')
  })

  it('says that silence and a closed port are no answer', async () => {
    const silent = createSocket('udp4')
    onTestFinished(() => void silent.close())
    await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve))
    const { port } = silent.address()
    expect(await askResolver({ server: '127.0.0.1', name: undefined, port, timeoutMs: 100 })).toMatchObject({
      answered: false,
    })
    expect(
      await askResolver({ server: '127.0.0.1', name: undefined, port: 1, timeoutMs: 500 }),
    ).toMatchObject({
      answered: false,
    })
  })

  it('reads the resolvers of the system, and is unavailable without one', async () => {
    const vm = machine()
    expect(await watch(vm, [dns]).run()).toEqual({ 'dns.failed': null, 'dns.answer_milliseconds': null })
    vm.write(
      'etc/resolv.conf',
      '# nameserver 1.1.1.1\nsearch lan\nnameserver 192.0.2.1\n nameserver ::1\nnameserver fe80::1%eth0\nnameserver 192.0.2.2\n',
    )
    expect(readResolvers(createReader(vm.root))).toEqual(['192.0.2.1', '::1', '192.0.2.2'])
  })
})
