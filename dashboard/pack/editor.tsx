import { autocompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete'
import { yaml } from '@codemirror/lang-yaml'
import { defaultHighlightStyle, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { lintGutter, setDiagnostics, type Diagnostic } from '@codemirror/lint'
import { Compartment, EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { basicSetup } from 'codemirror'
import { useEffect, useRef, type ReactElement } from 'react'
import { offersAt, type Known, type SchemaNode } from './complete.ts'
import type { FaultView } from './text.ts'

export type EditorProps = {
  /** What stands in it at first, and again whenever `version` changes. */
  text: string
  version: number
  label: string
  readOnly: boolean
  faults: readonly FaultView[]
  schema: SchemaNode | undefined
  known: Known
  onChange(text: string): void
  /** Where the caret is to go; a new object each time. */
  goTo: { line: number; column: number } | undefined
}

/** The editor of a pack: YAML with its faults in place and completion from the schema. */
export function PackEditor(props: EditorProps): ReactElement {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const latest = useRef(props)
  latest.current = props
  const { text, version, label, readOnly, faults, goTo } = props

  useEffect(() => {
    const element = host.current
    if (!element) return
    // In a shadow root CodeMirror puts its styles into a constructed style sheet; in the page itself it would write a
    // style element, which the security policy refuses.
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' })
    const made = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: latest.current.text,
        extensions: [
          basicSetup,
          yaml(),
          syntaxHighlighting(COLOURS),
          LOOK,
          lintGutter(),
          autocompletion({ override: [complete], icons: false }),
          writing.of(writable(latest.current)),
          EditorView.lineWrapping,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString())
          }),
        ],
      }),
    })
    view.current = made
    return () => {
      made.destroy()
      view.current = null
    }
  }, [])

  function complete(context: CompletionContext): CompletionResult | null {
    const { schema, known, readOnly: locked } = latest.current
    if (schema === undefined || locked) return null
    const found = offersAt(schema, context.state.doc.toString(), context.pos, known)
    if (found === null || (!context.explicit && found.from === context.pos)) return null
    return {
      from: found.from,
      validFor: /^[\w.-]*$/,
      options: found.offers.map(({ label: name, insert, kind, detail }) => ({
        label: name,
        apply: insert,
        detail,
        type: kind,
      })),
    }
  }

  useEffect(() => {
    const present = view.current
    if (!present || present.state.doc.toString() === text) return
    present.dispatch({ changes: { from: 0, to: present.state.doc.length, insert: text } })
    // Another text is put in only with another version; what is typed comes back as the same.
  }, [version, text])

  useEffect(() => {
    view.current?.dispatch({ effects: writing.reconfigure(writable({ readOnly, label })) })
  }, [readOnly, label])

  useEffect(() => {
    const present = view.current
    if (present)
      present.dispatch(
        setDiagnostics(
          present.state,
          faults.map((fault) => place(present.state, fault)),
        ),
      )
  }, [faults])

  useEffect(() => {
    const present = view.current
    if (!present || !goTo) return
    const { from } = place(present.state, goTo)
    present.dispatch({
      selection: { anchor: from },
      effects: EditorView.scrollIntoView(from, { y: 'center' }),
    })
    present.focus()
  }, [goTo])

  return <div ref={host} className="editor" />
}

const writing = new Compartment()

function writable({ readOnly, label }: Pick<EditorProps, 'readOnly' | 'label'>) {
  return [
    EditorState.readOnly.of(readOnly),
    EditorView.contentAttributes.of({
      'aria-label': label,
      // It has the focus by itself; the attribute says so to whoever checks the page.
      tabindex: '0',
      ...(readOnly ? { 'aria-readonly': 'true' } : {}),
    }),
  ]
}

/** A fault as the editor marks it: from its column to the end of the word there, and on the first line without one. */
function place(state: EditorState, fault: Partial<FaultView>): Diagnostic {
  const line = state.doc.line(Math.min(state.doc.lines, Math.max(1, fault.line ?? 1)))
  const from = Math.min(line.to, line.from + Math.max(0, (fault.column ?? 1) - 1))
  const [word = ''] = /^[^\s,}\]]+/.exec(line.text.slice(from - line.from)) ?? []
  const message = [fault.field, fault.message].filter((part) => part !== undefined).join(': ')
  return { from, to: Math.min(line.to, from + Math.max(1, word.length)), severity: 'error', message }
}

/** CodeMirror's usual colours of keys, strings, names and comments, by those of the page's theme, light and dark alike. */
const THEME: Record<string, string> = {
  '#00c': 'var(--v-accent)',
  '#a11': 'var(--v-ok)',
  '#e40': 'var(--v-ok)',
  '#219': 'var(--v-line-2)',
  '#085': 'var(--v-info)',
  '#940': 'var(--v-dim)',
}
const COLOURS = HighlightStyle.define(
  defaultHighlightStyle.specs.map((spec) => ({ ...spec, color: THEME[String(spec['color'])] ?? 'inherit' })),
)

const MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
const LOOK = EditorView.theme({
  '&': {
    backgroundColor: 'var(--v-surface)',
    color: 'var(--v-text)',
    fontSize: '0.8125rem',
    borderRadius: '7px 7px 0 0',
  },
  // The gutter would cover it: the box around has it.
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: MONO, maxHeight: '68vh', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--v-text)' },
  '.cm-content, .cm-gutter': { minHeight: '320px' },
  '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--v-text)' },
  '.cm-gutters': {
    backgroundColor: 'var(--v-raised)',
    color: 'var(--v-dim)',
    borderRight: '1px solid var(--v-line)',
  },
  '.cm-activeLine, .cm-activeLineGutter': {
    backgroundColor: 'color-mix(in srgb, var(--v-accent) 7%, transparent)',
  },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--v-accent) 26%, transparent)',
  },
  '.cm-selectionMatch, &.cm-focused .cm-matchingBracket': {
    backgroundColor: 'color-mix(in srgb, var(--v-accent) 16%, transparent)',
  },
  '.cm-tooltip, .cm-panels': {
    backgroundColor: 'var(--v-raised)',
    color: 'var(--v-text)',
    border: '1px solid var(--v-line-strong)',
    borderRadius: '6px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: MONO, maxHeight: '14em' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 8px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--v-accent-ground)',
    color: 'var(--v-accent)',
  },
  '.cm-completionDetail': { color: 'var(--v-dim)', fontStyle: 'normal' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--v-critical)' },
  '.cm-button': {
    backgroundImage: 'none',
    backgroundColor: 'var(--v-surface)',
    border: '1px solid var(--v-line-strong)',
    color: 'var(--v-text)',
  },
  '.cm-textfield': {
    backgroundColor: 'var(--v-surface)',
    border: '1px solid var(--v-line-strong)',
    color: 'var(--v-text)',
  },
  '.cm-foldPlaceholder': {
    backgroundColor: 'var(--v-raised)',
    color: 'var(--v-dim)',
    border: '1px solid var(--v-line)',
  },
})
