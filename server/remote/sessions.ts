import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import { VigiaError } from '../../contract/errors.ts'
import { unpackFrame, type RemoteStateMessage, type RemoteView } from '../../contract/remote/session.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { Db } from '../records/records.ts'
import { createFileNotes, type FileNotes } from './file-notes.ts'
import { createLiveSession, type LiveSession } from './live-session.ts'
import type { Recording } from './recording.ts'
import { openRecordings, recordingName } from './recordings.ts'
import type { Opener, Remote, RemotePorts } from './ports.ts'
import { SOCKET_CLOSED } from './relay.ts'
import { checkDevice, checkFresh, checkSigner, refuseFormer, sameName, type Asker } from './request.ts'
import { closeLeftOpen, insertSession, listSessions, noteEnd, noteState, readSession } from './rows.ts'

type Open = {
  live: LiveSession
  address: DeviceAddress
  opener: Opener
  technician: string
  keyid: string
  recording: Recording | undefined
  files: FileNotes | undefined
  /** Writes about one session come one after the other. */
  writing: Promise<void>
  reached: (typeof COURSE)[number]
}

const MOST_SESSIONS = 500
const COURSE = ['requested', 'asking', 'open'] as const

/** Remote sessions over the records; sessions that an earlier server left open are closed first. */
export async function createRemote(ports: RemotePorts): Promise<Remote> {
  const { records, clock, log } = ports
  const sessions = new Map<string, Open>()

  await records.operator(async (db) => {
    for (const { id, client, device } of await closeLeftOpen(db, 'server-restarted', clock()))
      await ports.note(db, {
        ...{ who: 'server', action: 'remote.close', client, subject: device },
        detail: { session: id, why: 'server-restarted' },
      })
  })

  const write = (id: string, open: Open, work: (db: Db) => Promise<unknown>): Promise<void> => {
    open.writing = open.writing
      .then(async () => {
        await records.operator(work)
        ports.changed(id)
      })
      .catch((error: unknown) =>
        log.error({ err: error, session: id }, 'a remote session could not be noted'),
      )
    return open.writing
  }
  const finish = async (id: string, end: RemoteStateMessage, who = 'server'): Promise<void> => {
    const open = sessions.get(id)
    if (open === undefined) return
    sessions.delete(id)
    open.live.finish(end)
    const why = end.code ?? end.state
    const state = open.reached !== 'open' && end.state === 'refused' ? 'refused' : 'closed'
    const recordingSha256 = (await open.recording?.end()) ?? null
    const { client, device } = open.address
    await open.files?.end()
    await write(id, open, async (db) => {
      const { bytes } = open.live
      await noteEnd(db, id, { state, why, nowMs: clock(), bytes, recordingSha256 })
      await ports.note(db, {
        ...{ who, action: state === 'refused' ? 'remote.refuse' : 'remote.close', client, subject: device },
        detail: { session: id, why, bytes, recordingSha256 },
      })
    })
  }
  /** Ends it from this side: the device is told. */
  const cut = async (id: string, why: string, who?: string): Promise<void> => {
    const open = sessions.get(id)
    if (open === undefined) return
    await Promise.all([
      finish(id, { session: id, state: 'closed', code: why, message: null, key: null }, who),
      ports.send(open.address, { type: 'remote-close', session: id, why }).catch(() => false),
    ])
  }
  const view = (id: string): Promise<RemoteView> =>
    records.operator(async (db) => {
      const found = await readSession(db, id)
      if (found === undefined) throw new VigiaError('NOT_FOUND', `no remote session ${id}`)
      return found.view
    })
  const mayReach = (who: Asker, client: string): void => {
    if (who.clients !== null && !who.clients.includes(client))
      throw new VigiaError('FORBIDDEN', `${who.name} has nothing to do with devices of ${client}`)
  }
  const { directory, keptMs } = ports
  const recordings = openRecordings({
    ...{ directory, keptMs, clock },
    failed: (session, error) => log.error({ err: error, session }, 'a recording could not be written'),
  })

  async function open(envelope: DsseEnvelope, opener: Opener): Promise<RemoteView> {
    const off = await ports.switchedOff()
    if (off !== null) throw new VigiaError('COMMAND_DISABLED', off)
    if (sessions.size >= MOST_SESSIONS)
      throw new VigiaError('REMOTE_UNAVAILABLE', `there are ${String(MOST_SESSIONS)} remote sessions already`)
    const nowMs = clock()
    const checked = checkSigner({ envelope, asker: opener, signers: ports.signers(envelope) })
    const { request, keyid, digest } = checked
    const id = request.session
    const address = { client: request.client, device: request.device }
    const signed = ports.countersign(envelope)
    await records.operator(async (db) => {
      refuseFormer(checked, await ports.removed(db, request.technician))
      const device = await db
        .selectFrom('device')
        .select('device_id')
        .where('device_id', '=', address.device)
        .where('client_id', '=', address.client)
        .where('revoked_at', 'is', null)
        .executeTakeFirst()
      // Before anything of the device is told: a foreign one that is there is like one that is not.
      checkDevice(checked, opener, device !== undefined)
      checkFresh(checked, ports.hello(address.device), nowMs)
      const recording = recordingName(request)
      if (!(await insertSession(db, { request, envelope: signed, keyid, recording, nowMs })))
        throw new VigiaError('COMMAND_REPLAYED', 'there was a session of this id already')
      // Nothing that is opened goes out before it stands in the audit chain.
      const { kind, control, reason, technician } = request
      await ports.note(db, {
        ...{ who: opener.name, action: 'remote.open', client: address.client, subject: address.device },
        detail: { session: id, kind, control, technician, keyid, reason, request: digest },
      })
    })
    const recording = recordings.start(request)
    const files =
      request.kind === 'files'
        ? createFileNotes({
            write: (deeds) =>
              write(id, mine, async (db) => {
                for (const { action, detail } of deeds)
                  await ports.note(db, {
                    ...{ who: opener.name, action, client: address.client, subject: address.device },
                    detail: { session: id, ...detail },
                  })
              }),
            flood: () => void cut(id, 'flood'),
          })
        : undefined
    const live = createLiveSession({
      request,
      recording,
      files,
      sendFrame: (frame) =>
        ports.send(address, {
          type: 'remote-frame',
          session: id,
          frame: Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString('base64'),
        }),
      lost: (why) => void cut(id, why, why === 'ended' ? opener.name : undefined),
    })
    const mine: Open = {
      ...{ live, address, opener, technician: request.technician, keyid, recording, files },
      ...{ writing: Promise.resolve(), reached: 'requested' },
    }
    sessions.set(id, mine)
    if (!(await ports.send(address, { type: 'remote-open', request: signed }))) {
      await finish(id, {
        session: id,
        state: 'refused',
        code: 'REMOTE_UNAVAILABLE',
        message: null,
        key: null,
      })
      throw new VigiaError('REMOTE_UNAVAILABLE', 'the device has just gone')
    }
    ports.changed(id)
    return view(id)
  }

  return {
    async open(envelope, opener) {
      try {
        return await open(envelope, opener)
      } catch (thrown) {
        const code = thrown instanceof VigiaError ? thrown.code : 'INTERNAL'
        log.warn({ who: opener.name, code, err: thrown }, 'a remote session was refused')
        throw thrown
      }
    },
    list: (filter) => records.operator((db) => listSessions(db, filter)),
    get: view,
    async close(id, who) {
      const { client } = await view(id)
      mayReach(who, client)
      await cut(id, 'ended', who.name)
      return view(id)
    },
    async recording(id, who) {
      const found = await records.operator((db) => readSession(db, id))
      if (found?.recording == null) throw new VigiaError('NOT_FOUND', `session ${id} has no recording`)
      const { client, device } = found.view
      mayReach(who, client)
      if (!recordings.has(found.recording))
        throw new VigiaError('NOT_FOUND', 'the recording is not kept any more')
      await records.server((db) =>
        ports.note(db, {
          ...{ who: who.name, action: 'remote.replay', client, subject: device },
          detail: { session: id },
        }),
      )
      return recordings.read(found.recording)
    },
    attach(id, login, after, socket) {
      const open = sessions.get(id)
      if (open === undefined) socket.close(SOCKET_CLOSED.over, 'ended')
      else if (open.opener.login !== login) socket.close(SOCKET_CLOSED.foreign, 'FORBIDDEN')
      else open.live.attach(socket, after)
    },
    async frame(address, frame) {
      const parts = unpackFrame(frame)
      const open = parts && sessions.get(parts.session)
      const own = open?.address.device === address.device && open.address.client === address.client
      if (own && open.live.fromDevice(frame)) return
      // What was under way when the session ended here is no attack; nor is it worth more than being dropped.
      if (parts === undefined || (open !== undefined && !own)) ports.hostile(address, frame)
    },
    async state(address, message) {
      const id = message.session.toLowerCase()
      const open = sessions.get(id)
      if (open === undefined) return
      if (open.address.device !== address.device || open.address.client !== address.client) {
        ports.hostile(address, new TextEncoder().encode(JSON.stringify(message)))
        return
      }
      const said = { ...message, session: id }
      if (said.state === 'closed' || said.state === 'refused') {
        await finish(id, said)
        return
      }
      const { state } = said
      // Each is said once, with the key that counts; what comes again is no news and costs no writing.
      if (COURSE.indexOf(state) <= COURSE.indexOf(open.reached)) return
      open.reached = state
      open.live.fromDeviceState(said)
      await write(id, open, (db) => noteState(db, id, state, clock()))
    },
    async sessionEnded(device) {
      const gone = [...sessions].filter(([, { address }]) => address.device === device)
      await Promise.all(
        gone.map(([id]) =>
          finish(id, { session: id, state: 'closed', code: 'connection-lost', message: null, key: null }),
        ),
      )
    },
    async withdraw(person, clients, who) {
      if (clients === null) return
      const lost = [...sessions].filter(
        ([, { opener, address }]) => opener.name === person && !clients.includes(address.client),
      )
      await Promise.all(lost.map(([id]) => cut(id, 'withdrawn', who)))
    },
    async removed(person, who) {
      const lost = [...sessions].filter(
        ([, { opener, technician }]) => opener.name === person || sameName(technician, person),
      )
      await Promise.all(lost.map(([id]) => cut(id, 'withdrawn', who)))
    },
    async keepOnly(technicians, who) {
      const kept = new Set(technicians.map(({ keyid }) => keyid))
      const lost = [...sessions].filter(([, { keyid }]) => !kept.has(keyid))
      await Promise.all(lost.map(([id]) => cut(id, 'withdrawn', who)))
    },
    async stop() {
      recordings.stop()
      await Promise.all([...sessions.keys()].map((id) => cut(id, 'server-stopped')))
    },
    sweep: () => recordings.sweep(),
  }
}
