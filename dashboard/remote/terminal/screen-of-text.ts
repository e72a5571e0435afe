import '@xterm/xterm/css/xterm.css'
import { FitAddon } from '@xterm/addon-fit'
import { Terminal } from '@xterm/xterm'
import { underPagePolicy } from './csp-document.ts'

/** A terminal in the page; take it off with `dispose`. */
export type TextScreen = { terminal: Terminal; fit: () => void; dispose: () => void }

const FONT = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Color Emoji', monospace"
const DARK = {
  background: '#10161b',
  foreground: '#e4eaef',
  cursor: '#69bfcb',
  selectionBackground: '#2b5560',
}

/** xterm.js in an element: always dark, as terminals are. Without `input` it only shows. */
export function showTerminal(
  parent: HTMLElement,
  options: { input: boolean; label: string; readAloud: boolean; columns?: number; rows?: number },
): TextScreen {
  const terminal = new Terminal({
    fontFamily: FONT,
    fontSize: 14,
    scrollback: options.input ? 5000 : 1000,
    theme: DARK,
    // Programs choose colours for another ground.
    minimumContrastRatio: 4.5,
    disableStdin: !options.input,
    cursorBlink: options.input,
    // It takes the text of input methods and dead keys away, so it is for whoever needs it.
    screenReaderMode: options.readAloud,
    ...(options.columns === undefined ? {} : { cols: options.columns }),
    ...(options.rows === undefined ? {} : { rows: options.rows }),
  })
  const addon = new FitAddon()
  terminal.loadAddon(addon)
  underPagePolicy(document, () => terminal.open(parent))
  terminal.textarea?.setAttribute('aria-label', options.label)
  return {
    terminal,
    fit() {
      const size = addon.proposeDimensions()
      // A tab that is hidden has no size.
      if (size !== undefined && size.cols > 1 && size.rows > 1)
        terminal.resize(Math.min(500, size.cols), Math.min(300, size.rows))
    },
    dispose: () => terminal.dispose(),
  }
}
