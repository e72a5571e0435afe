import { createTheme, type MantineColorsTuple } from '@mantine/core'

/** Ten shades of the lookout's sea green; theme.css has the same as variables, since none are made at run time. */
const sea: MantineColorsTuple = [
  '#e6f6f8',
  '#cdeaee',
  '#9dd5dd',
  '#69bfcb',
  '#3fabba',
  '#1f95a5',
  '#127f8f',
  '#0b6b78',
  '#0b5f6b',
  '#064a54',
]

/** What Mantine's components compute with; the colours that they show come from theme.css. */
export const theme = createTheme({
  primaryColor: 'sea',
  colors: { sea },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
})
