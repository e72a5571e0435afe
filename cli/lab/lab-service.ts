import { createServer } from 'node:http'

// The small real service that `vigia lab service-crash` watches, kills and sees restarted. Ends by itself after an hour.
const server = createServer((_request, response) => response.end('Vigía lab service\n'))
server.listen(0, '127.0.0.1')
setTimeout(() => process.exit(0), 3_600_000)
