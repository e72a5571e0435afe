import type { Shown } from './showing.ts'

/** What a window says. Everything that came from outside has been made plain. */
export type Words = { title: string; text: string; yes: string; no: string; end: string }

// Control characters, and marks that turn the direction of a text or are not seen at all (Unicode 15.1, Bidi_Control).
const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g
const ALIKE: Record<string, string> = { '<': '‹', '>': '›', '&': '＆', '\\': '∖' }

/** A text from outside as one plain line: no markup, no escapes, nothing unseen, at most this long. */
export function plainText(text: string, most: number): string {
  const line = text
    .normalize('NFC')
    .replaceAll(UNSEEN, ' ')
    .replaceAll(/[<>&\\]/g, (character) => ALIKE[character] ?? ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
  const characters = [...line]
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : line
}

/** The words of a question or a notice, in Spanish for a locale that is, else in English. */
export function wordsOf(shown: Shown, locale = ''): Words {
  const who = plainText(shown.technician, 80)
  const why = plainText(shown.reason, 300)
  const code = shown.code.replaceAll(/\D/g, '')
  const spanish = /^es/i.test(locale)
  const what = (spanish ? SPANISH : ENGLISH)[`${shown.kind}${shown.control ? '' : '-look'}`] ?? ''
  const lines = spanish
    ? shown.what === 'ask'
      ? [
          `${who} pide permiso para ${what}.`,
          `Motivo: ${why === '' ? 'no se ha dado ninguno' : why}`,
          `Código: ${code}`,
          'El técnico ve el mismo código. Pídale que lo lea en voz alta. Rechace si no coincide, o si usted no esperaba esta ayuda.',
          `Sin respuesta en ${shown.timeoutS} segundos se rechaza.`,
        ]
      : [
          `${who} está conectado y puede ${what}.`,
          `Motivo: ${why === '' ? 'no se ha dado ninguno' : why}`,
          `Código: ${code}`,
          'Cierre esta ventana para terminar la sesión.',
        ]
    : shown.what === 'ask'
      ? [
          `${who} asks for permission to ${what}.`,
          `Reason: ${why === '' ? 'none was given' : why}`,
          `Code: ${code}`,
          'The technician sees the same code. Ask them to read it out. Refuse if it differs, or if you did not expect this help.',
          `Without an answer within ${shown.timeoutS} seconds it is refused.`,
        ]
      : [
          `${who} is connected and can ${what}.`,
          `Reason: ${why === '' ? 'none was given' : why}`,
          `Code: ${code}`,
          'Close this window to end the session.',
        ]
  return {
    title: spanish ? 'Vigía: ayuda a distancia' : 'Vigía: remote help',
    text: lines.join('\n\n'),
    yes: spanish ? 'Permitir' : 'Allow',
    no: spanish ? 'Rechazar' : 'Refuse',
    end: spanish ? 'Terminar la sesión' : 'End session',
  }
}

const ENGLISH: Record<string, string> = {
  screen: 'see the screen of this computer and use its mouse and keyboard',
  'screen-look': 'see the screen of this computer, without using it',
  files: 'read and change files on this computer',
  'files-look': 'read files on this computer',
  terminal: 'run commands on this computer',
  rdp: 'sign in to this computer with Remote Desktop (RDP)',
}
const SPANISH: Record<string, string> = {
  screen: 'ver la pantalla de este equipo y usar su ratón y su teclado',
  'screen-look': 'ver la pantalla de este equipo, sin usarlo',
  files: 'leer y cambiar archivos de este equipo',
  'files-look': 'leer archivos de este equipo',
  terminal: 'ejecutar órdenes en este equipo',
  rdp: 'iniciar sesión en este equipo con Escritorio remoto (RDP)',
}
