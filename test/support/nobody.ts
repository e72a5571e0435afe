// Before every test file: a desktop of its own, at which nobody is. Otherwise an agent that a test starts would find the
// display of another test that runs beside it, or of whoever runs the tests, and show its notices there; and who answers
// those would end its sessions.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'vigia-nobody-'))
writeFileSync(join(folder, 'nobody'), '')
delete process.env['DISPLAY']
process.env['XDG_RUNTIME_DIR'] = folder
process.env['WAYLAND_DISPLAY'] = 'nobody'
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
