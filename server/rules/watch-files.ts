import { type FSWatcher, mkdirSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Logger } from '../observe/log.ts'

/** An editor saves in several steps; this long after the last of them the packs are read. */
const SETTLED_MS = 500

/**
 * Calls `changed` some time after a pack was changed in the folder of the installation, which is made where it is
 * missing, or a file of the configuration was. A folder that cannot be watched is logged: reloading still works.
 */
export function watchPacks(
  places: { directory: string; configured: readonly string[] },
  changed: () => void,
  log: Logger,
): { stop(): void } {
  mkdirSync(places.directory, { recursive: true })
  let waiting: NodeJS.Timeout | undefined
  const watchers = [
    ...new Set([places.directory, ...places.configured.map((file) => dirname(file))]),
  ].flatMap((folder): FSWatcher[] => {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name !== null && !/\.ya?ml$/.test(name)) return
        clearTimeout(waiting)
        waiting = setTimeout(changed, SETTLED_MS)
        waiting.unref()
      })
      watcher.on('error', (error) => log.warn({ err: error, folder }, 'rule packs are no longer watched'))
      return [watcher]
    } catch (error) {
      log.warn({ err: error, folder }, 'rule packs are not watched: "vigia rules reload" reads them')
      return []
    }
  })
  return {
    stop() {
      clearTimeout(waiting)
      for (const watcher of watchers) watcher.close()
    },
  }
}
