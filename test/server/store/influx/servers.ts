import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { temporaryDirectory } from '../fixtures.ts'

/** A server of its own, with its data in a directory of its own; it can be killed and started again on them. */
export type TestServer = {
  url: string
  directory: string
  pid(): number
  start(): Promise<void>
  /** kill -9, or the given signal, and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<void>
  stop(): Promise<void>
}

/** A port that was free a moment ago. */
export async function sparePort(): Promise<number> {
  const server = createTcpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A real influxd (v1) on loopback. */
export async function startInfluxd(program: string): Promise<TestServer> {
  const { path, remove } = temporaryDirectory()
  const [port, backupPort] = [await sparePort(), await sparePort()]
  const config = join(path, 'influxdb.conf')
  writeFileSync(
    config,
    `reporting-enabled = false
bind-address = "127.0.0.1:${backupPort}"
[meta]
  dir = "${path}/meta"
[data]
  dir = "${path}/data"
  wal-dir = "${path}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
[monitor]
  store-enabled = false
`,
  )
  return serverOf(program, ['-config', config], port, path, remove)
}

/** A real VictoriaMetrics on loopback. */
export async function startVictoriaMetrics(program: string): Promise<TestServer> {
  const { path, remove } = temporaryDirectory()
  const port = await sparePort()
  const options = [`-storageDataPath=${path}`, `-httpListenAddr=127.0.0.1:${port}`, '-loggerLevel=ERROR']
  return serverOf(program, options, port, path, remove)
}

async function serverOf(
  program: string,
  options: string[],
  port: number,
  directory: string,
  remove: () => void,
): Promise<TestServer> {
  let child: ChildProcess | undefined
  const server: TestServer = {
    url: `http://127.0.0.1:${port}`,
    directory,
    pid: () => child?.pid ?? 0,
    async start() {
      child = spawn(program, options, { stdio: 'ignore' })
      await answers(port, child)
    },
    async kill(signal = 'SIGKILL') {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    },
    async stop() {
      await server.kill()
      remove()
    },
  }
  await server.start()
  return server
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with code ${child.exitCode}`)
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('close', () => undefined)
      setTimeout(() => socket.destroy(), 500).unref()
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${child.spawnfile} does not answer on port ${port}`)
}

/**
 * The v2 surface in front of a v1 engine: it only renames the write endpoint and its parameters, the InfluxQL endpoint
 * goes through as it is. A v2 server cannot be had here; this shows the v2 client and store against a real engine.
 */
export async function startV2Front(
  engine: string,
  buckets: string[],
): Promise<{ url: string; stop(): Promise<void> }> {
  for (const bucket of buckets)
    await fetch(`${engine}/query?q=${encodeURIComponent(`CREATE DATABASE "${bucket}"`)}`, { method: 'POST' })
  const server: Server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', engine)
      if (url.pathname === '/api/v2/write') {
        url.pathname = '/write'
        url.searchParams.set('db', url.searchParams.get('bucket') ?? '')
        url.searchParams.delete('org')
        url.searchParams.delete('bucket')
      }
      const body = await bodyOf(request)
      const answer = await fetch(url, {
        method: request.method ?? 'GET',
        headers: { 'content-type': request.headers['content-type'] ?? 'text/plain' },
        ...(body.length > 0 ? { body } : {}),
      })
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? 'text/plain',
      })
      response.end(Buffer.from(await answer.arrayBuffer()))
    })().catch((error: unknown) => response.writeHead(502).end(String(error)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
