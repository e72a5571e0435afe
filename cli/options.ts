import { InvalidArgumentError, Option } from 'commander'

/** An option that takes a whole number; anything else is USAGE before a server is asked. */
export function numberOption(flags: string, description: string, preset?: number): Option {
  const option = new Option(flags, description).argParser((text) => {
    if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
    return Number(text)
  })
  return preset === undefined ? option : option.default(preset)
}

/** An option that takes one of a schema's words. */
export function choiceOption(
  flags: string,
  description: string,
  words: readonly string[],
  preset?: string,
): Option {
  const option = new Option(flags, description).choices(words)
  return preset === undefined ? option : option.default(preset)
}
