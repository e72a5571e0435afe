import type { Words } from './en.ts'
import type { MoreWords } from './more-words.ts'

/** Where a word stands in its tree; of those that depend on a number, without the ending (`count_one` is asked for as `count`). */
type Paths<Tree> = {
  [Key in keyof Tree & string]: Tree[Key] extends string
    ? Key extends `${infer Stem}_${'one' | 'other'}`
      ? Stem
      : Key
    : `${Key}.${Paths<Tree[Key]>}`
}[keyof Tree & string]

type PathsOfEach<Trees> = Trees extends unknown ? Paths<Trees> : never

/**
 * Says a word of the console, with values for its gaps. Its keys are one plain union, made once: i18next's own types
 * make theirs anew at each call, which took the compiler two minutes and 2.5 GB.
 */
export type Translate = (
  key: Paths<Words> | PathsOfEach<MoreWords>,
  values?: Readonly<Record<string, unknown>>,
) => string
