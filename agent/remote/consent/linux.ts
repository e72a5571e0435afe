import { accessSync, constants } from 'node:fs'
import { findDesktop, type Desktop } from './desktop.ts'
import { displayAnswers } from './display.ts'
import type { Showing, ShowingAnswer, ShowingEnd, Shown, Way } from './showing.ts'
import { wordsOf, type Words } from './words.ts'

type Program = {
  name: string
  ask(words: Words, timeoutS: number): string[]
  notice(words: Words): string[]
  /** Exit code of a yes. */
  yes: number
  /** Exit codes of a no: its button, a window that was closed, and time over. */
  no: readonly number[]
}

const FOLDERS = ['/usr/bin', '/usr/local/bin', '/bin']
const NO_WINDOW = /(?:cannot|can't|could not|failed to) (?:open|connect to) display|no protocol specified/i
/** Programs that desktops bring, in the order to try them. Each takes texts as texts, not as markup. */
const PROGRAMS: readonly Program[] = [
  {
    name: 'zenity',
    yes: 0,
    no: [1, 5],
    ask: (words, timeoutS) => [
      '--question',
      '--no-markup',
      '--default-cancel',
      '--width=460',
      `--timeout=${timeoutS}`,
      `--title=${words.title}`,
      `--text=${words.text}`,
      `--ok-label=${words.yes}`,
      `--cancel-label=${words.no}`,
    ],
    notice: (words) => [
      '--info',
      '--no-markup',
      '--width=380',
      `--title=${words.title}`,
      `--text=${words.text}`,
      `--ok-label=${words.end}`,
    ],
  },
  {
    name: 'kdialog',
    yes: 0,
    no: [1, 2],
    ask: (words) => [
      '--title',
      words.title,
      '--yes-label',
      words.yes,
      '--no-label',
      words.no,
      '--warningyesno',
      words.text,
    ],
    notice: (words) => ['--title', words.title, '--ok-label', words.end, '--msgbox', words.text],
  },
  {
    name: 'yad',
    yes: 0,
    no: [1, 70, 252],
    ask: (words, timeoutS) => [
      '--image=dialog-question',
      '--no-markup',
      '--center',
      '--width=460',
      `--timeout=${timeoutS}`,
      `--title=${words.title}`,
      `--text=${words.text}`,
      `--button=${words.no}:1`,
      `--button=${words.yes}:0`,
    ],
    notice: (words) => [
      '--image=dialog-information',
      '--no-markup',
      '--on-top',
      '--width=380',
      `--title=${words.title}`,
      `--text=${words.text}`,
      `--button=${words.end}:0`,
    ],
  },
  {
    name: 'xmessage',
    yes: 10,
    no: [0, 1, 11],
    ask: (words, timeoutS) => [
      '-center',
      '-timeout',
      String(timeoutS),
      '-title',
      words.title,
      '-buttons',
      `${words.no}:11,${words.yes}:10`,
      wrapped(words.text),
    ],
    notice: (words) => ['-title', words.title, '-buttons', `${words.end}:10`, wrapped(words.text)],
  },
]

/** Windows on the screen of the person who sits there, shown by their own desktop's programs as their own process. */
export const linuxWay: Way = async (shown) => {
  const desktop = await findDesktop()
  return desktop === undefined ? [] : showingsOn(desktop, shown, findProgram)
}

/** What would be shown on a desktop, with the programs that are there. */
export function showingsOn(
  desktop: Desktop,
  shown: Shown,
  find: (name: string) => string | undefined,
): Showing[] {
  const { LC_ALL, LC_MESSAGES, LANG } = desktop.env
  const words = wordsOf(shown, LC_ALL ?? LC_MESSAGES ?? LANG)
  const env = {
    ...desktop.env,
    HOME: desktop.home,
    PATH: '/usr/local/bin:/usr/bin:/bin',
    // Without a locale of UTF-8 a name with an accent is not shown.
    ...(/utf-?8/i.test(LC_ALL ?? LANG ?? '') ? {} : { LC_ALL: 'C.UTF-8' }),
  }
  const asPerson = process.getuid?.() === 0 && desktop.uid !== 0 ? { uid: desktop.uid, gid: desktop.gid } : {}
  // setpriv(1): a window does not outlive the session that it tells of.
  const setpriv = find('setpriv')
  return PROGRAMS.flatMap((program) => {
    const file = find(program.name)
    if (file === undefined) return []
    const args = shown.what === 'ask' ? program.ask(words, shown.timeoutS) : program.notice(words)
    return [
      {
        file: setpriv ?? file,
        args: setpriv === undefined ? args : ['--pdeathsig', 'TERM', file, ...args],
        env,
        ...asPerson,
        answer: (end: ShowingEnd) => answerOf(program, desktop.env, end),
      } satisfies Showing,
    ]
  })
}

async function answerOf(
  program: Program,
  env: Desktop['env'],
  { code, stderr }: ShowingEnd,
): Promise<ShowingAnswer> {
  if (code === program.yes) return 'yes'
  if (NO_WINDOW.test(stderr)) return 'unseen'
  return code !== null && program.no.includes(code) && (await displayAnswers(env)) ? 'no' : 'failed'
}

function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => `${folder}/${name}`).find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown) return false
      throw thrown
    }
  })
}

/** xmessage breaks no lines by itself. */
function wrapped(text: string): string {
  return text.replaceAll(/(.{1,64})(?:\s+|$)/g, '$1\n')
}
