import { VigiaError } from '../../../contract/errors.ts'

/** Turns the text of a DuckDB error into a VigiaError that says what is wrong with which file. */
export function duckdbError(text: string, path: string): VigiaError {
  const cause = new Error(text)
  const holder = /Conflicting lock is held in (.+?) \(PID (\d+)\)/.exec(text)
  if (/could not set lock/i.test(text)) {
    const who = holder ? `process ${holder[2]} (${holder[1]})` : 'another process, which DuckDB does not name'
    return new VigiaError('DATA_IN_USE', `${path} is held by ${who}`, { cause })
  }
  if (/no space left on device|disk quota exceeded|ENOSPC|EDQUOT|max_temp_directory_size/i.test(text)) {
    return new VigiaError('DISK_FULL', `The disk that holds ${path} is full: ${firstLine(text)}`, { cause })
  }
  if (
    /not a valid DuckDB database file|newer version|older version|serialization error|corrupt/i.test(text)
  ) {
    return new VigiaError('DATA_UNREADABLE', `${path} cannot be read: ${firstLine(text)}`, { cause })
  }
  if (/permission denied|cannot open file|read-only/i.test(text)) {
    return new VigiaError('DATA_UNREADABLE', `${path} cannot be opened: ${firstLine(text)}`, { cause })
  }
  return new VigiaError('STORE_UNAVAILABLE', `DuckDB on ${path}: ${firstLine(text)}`, { cause })
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
