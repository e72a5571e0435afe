// Wakes the machine with the hardware address VIGIA_PARAM_MAC. Exit codes: 0 sent, 1 the network refused, 2 a value is refused.
import { createSocket } from 'node:dgram'

const mac = process.env.VIGIA_PARAM_MAC ?? ''
const broadcast = process.env.VIGIA_PARAM_BROADCAST ?? '255.255.255.255'
const port = Number(process.env.VIGIA_PARAM_PORT ?? 9)
if (!/^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$/.test(mac) || !/^\d{1,3}(\.\d{1,3}){3}$/.test(broadcast)) {
  console.error('refused: not a hardware address, or not an address')
  process.exit(2)
}
const address = Buffer.from(mac.replaceAll(/[:-]/g, ''), 'hex')
// Six bytes 0xFF, then the address sixteen times.
const packet = Buffer.concat([Buffer.alloc(6, 0xff), ...Array.from({ length: 16 }, () => address)])
const socket = createSocket('udp4')
socket.bind(0, () => {
  socket.setBroadcast(true)
  let left = 3
  const send = () => {
    socket.send(packet, port, broadcast, (error) => {
      if (error) {
        console.error(`the network refused: ${error.message}`)
        process.exitCode = 1
        socket.close()
        return
      }
      left -= 1
      if (left > 0) {
        setTimeout(send, 300)
        return
      }
      console.log(
        `sent to ${mac} by ${broadcast}:${port}; a machine that is set up for it starts within a minute`,
      )
      console.log('VIGIA_FIELD sent_count=3')
      socket.close()
    })
  }
  send()
})
