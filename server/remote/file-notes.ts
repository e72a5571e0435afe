import type { Direction, FrameType } from '../../contract/remote/session.ts'
import { createFileAudit, type FileDeed } from './file-audit.ts'

/** Notes what one files session does, as it goes by. */
export type FileNotes = {
  frame(direction: Direction, type: FrameType, payload: Uint8Array): void
  /** The session is over: what was only half done is noted too, before this resolves. */
  end(): Promise<void>
}

/** Deeds that wait to be written; a session that makes more is no person's. */
const MOST_WAITING = 5000

/** Writes deeds in batches, one after the other; `flood` is called when they come faster than they can be noted. */
export function createFileNotes(options: {
  write: (deeds: readonly FileDeed[]) => Promise<void>
  flood: () => void
}): FileNotes {
  const audit = createFileAudit(options.flood)
  let waiting: FileDeed[] = []
  let writing: Promise<void> | undefined

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await options.write(batch)
    }
    writing = undefined
  }
  function add(deeds: readonly FileDeed[]): void {
    waiting.push(...deeds)
    if (waiting.length > MOST_WAITING) options.flood()
    if (waiting.length > 0) writing ??= flush()
  }
  return {
    frame: (direction, type, payload) => add(audit.frame(direction, type, payload)),
    async end() {
      add(audit.end())
      await writing
    },
  }
}
