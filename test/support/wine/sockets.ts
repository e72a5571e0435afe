// Loaded before everything else under Wine 8, which knows no TCP_KEEPALIVE: with it a connection ends before it begins.
import net from 'node:net'

const connect = net.connect as (...given: unknown[]) => net.Socket
const withoutKeepAlive = (first: unknown, ...rest: unknown[]): net.Socket =>
  connect(typeof first === 'object' && first !== null ? { ...first, keepAlive: false } : first, ...rest)
Object.assign(net, { connect: withoutKeepAlive, createConnection: withoutKeepAlive })
net.Socket.prototype.setKeepAlive = function (this: net.Socket) {
  return this
}
