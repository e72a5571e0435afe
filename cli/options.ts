import { InvalidArgumentError, Option } from 'commander'

/** An option that takes a whole number, within bounds where it has some; anything else is USAGE before a server is asked. */
export function numberOption(
  flags: string,
  description: string,
  preset?: number,
  { min = 0, max = 999_999_999 }: { min?: number; max?: number } = {},
): Option {
  const option = new Option(flags, description).argParser((text) => {
    if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
    if (Number(text) < min || Number(text) > max)
      throw new InvalidArgumentError(`It is a number from ${String(min)} to ${String(max)}.`)
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
