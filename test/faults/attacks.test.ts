import { afterAll, beforeAll } from 'vitest'
import { attacksByDeviceTexts } from './attacks/device-texts.ts'
import { attacksByOrders } from './attacks/orders.ts'
import { attacksWithOwnCertificate } from './attacks/own-certificate.ts'
import { openAttackedSite, type AttackedSite } from './attacks/site.ts'
import { attacksOnWeb } from './attacks/web.ts'

// All are made on one installation, whose start costs more than most of them.
let opened: AttackedSite | undefined
const site = (): AttackedSite => opened!

beforeAll(async () => {
  opened = await openAttackedSite()
}, 120_000)
afterAll(() => opened?.close(), 60_000)

attacksWithOwnCertificate(site)
attacksByDeviceTexts(site)
attacksByOrders(site)
// Last: it ends with a server that takes no more passwords.
attacksOnWeb(site)
