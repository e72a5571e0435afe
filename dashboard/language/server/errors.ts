import { ERROR_CODES, type ErrorCode } from '../../../contract/errors.ts'
import type { Language } from '../language.ts'

type Told = { what: string; next: string }

/**
 * The codes that a call of the console can meet, in Spanish; the English words are the server's message and the
 * table of contract/errors.ts. The others belong to devices and to the CLI and are shown in English.
 */
export const SPANISH_ERRORS: Partial<Record<ErrorCode, Told>> = {
  REQUEST_INVALID: {
    what: 'La petición tiene fallos.',
    next: 'Corrige los campos que nombra el mensaje y envíala de nuevo.',
  },
  RULES_INVALID: {
    what: 'Los paquetes de reglas tienen fallos.',
    next: 'Corrige las líneas que se nombran; no se ha aplicado nada.',
  },
  NOT_FOUND: { what: 'Eso no existe.', next: 'Mira en la lista qué hay y elige uno de esos nombres.' },
  CONFLICT: { what: 'El estado ha cambiado entretanto.', next: 'Lee el estado actual y decide de nuevo.' },
  UNAUTHENTICATED: {
    what: 'No hay sesión, o el nombre o la contraseña no son correctos.',
    next: 'Inicia sesión con tu nombre y tu contraseña.',
  },
  FORBIDDEN: {
    what: 'No tienes permiso para esto.',
    next: 'Pide a un propietario de este cliente el rol que se nombra.',
  },
  ORIGIN_FOREIGN: {
    what: 'La petición no viene de una página de este servidor.',
    next: 'Abre la consola en una dirección que el servidor conozca; http.names en vigia.yaml añade una.',
  },
  LOGIN_THROTTLED: {
    what: 'Demasiados intentos seguidos.',
    next: 'Espera lo que dice el mensaje y prueba una vez más.',
  },
  SECOND_FACTOR_REQUIRED: {
    what: 'Hace falta tu segundo factor.',
    next: 'Confírmalo; si no tienes ninguno, configúralo antes en tu cuenta.',
  },
  SECOND_FACTOR_INVALID: {
    what: 'El código no vale.',
    next: 'Espera al siguiente y mira si el reloj del dispositivo que lo muestra va en hora.',
  },
  SETUP_DONE: {
    what: 'Este servidor ya está preparado.',
    next: 'La preparación sirve una vez. Inicia sesión o restablece al propietario con "vigia user reset".',
  },
  LAST_OWNER: {
    what: 'Es el último propietario.',
    next: 'Admite antes a otro propietario, para todos los clientes: "vigia user add NOMBRE --role owner".',
  },
  OWN_ACCOUNT: {
    what: 'Esa persona eres tú.',
    next: 'Que lo haga otro propietario, o la máquina del servidor: "vigia user remove NOMBRE".',
  },
  COMMAND_MALFORMED: {
    what: 'El script no acepta esos valores.',
    next: 'Corrige los parámetros que nombra el mensaje.',
  },
  COMMAND_UNAPPROVED: {
    what: 'Al script le faltan aprobaciones.',
    next: 'Un aprobador lo firma con "vigia approve".',
  },
  COMMAND_DISABLED: {
    what: 'Las órdenes están detenidas.',
    next: 'Permítelas de nuevo con "vigia commands allow", o quita el archivo commands-disabled del propio equipo.',
  },
  APPROVAL_EXPIRED: {
    what: 'La aprobación del script ha terminado.',
    next: 'Hay que aprobarlo de nuevo con una versión más alta: "vigia approve FILE --script-version N".',
  },
  SCRIPT_UNSUPPORTED: {
    what: 'El script no es para ese sistema.',
    next: 'Elige uno para el sistema operativo del dispositivo.',
  },
  SCRIPT_REVOKED: { what: 'Esta versión fue retirada.', next: 'Usa una más nueva.' },
  SCRIPT_NO_DRY_RUN: {
    what: 'Este script no se puede probar sin cambios.',
    next: 'Pruébalo antes en un solo dispositivo.',
  },
  SECRET_MISSING: {
    what: 'Falta un secreto.',
    next: 'Guárdalo antes, en Secretos o con "vigia secret set NOMBRE".',
  },
  DEVICE_OFFLINE: {
    what: 'El dispositivo no está conectado.',
    next: 'Espera a que se conecte, o da una orden que lo espere.',
  },
  DEVICE_REVOKED: { what: 'El dispositivo está revocado.', next: 'Inscríbelo de nuevo si debe volver.' },
  RUN_TARGET_EMPTY: {
    what: 'No llegaría a ningún dispositivo.',
    next: 'Elige otro destino; el plan dice a quién llega y a quién no, y por qué.',
  },
  REMOTE_REFUSED: {
    what: 'La persona que está ante el equipo ha dicho que no.',
    next: 'Habla antes con ella.',
  },
  REMOTE_NOBODY: {
    what: 'No hay nadie a quien preguntar.',
    next: 'Este equipo no se puede abrir sin permiso de quien está ante él.',
  },
  REMOTE_FORBIDDEN: {
    what: 'La directiva de este equipo no lo permite.',
    next: 'Los aprobadores pueden cambiar la directiva.',
  },
  REMOTE_UNAVAILABLE: {
    what: 'Ahora no se puede abrir en este equipo.',
    next: 'No está conectado, tiene demasiadas sesiones o le falta esa parte; el mensaje dice qué.',
  },
  FILE_OUTSIDE: {
    what: 'Eso está fuera de las carpetas permitidas, o pasa por un enlace.',
    next: 'Quédate en las carpetas que el equipo permite.',
  },
  FILE_TOO_LARGE: { what: 'El archivo es demasiado grande.', next: 'Elige uno más pequeño o divídelo.' },
  FILE_CHANGED: {
    what: 'El archivo ha cambiado entretanto, o su suma de control no coincide.',
    next: 'Empieza de nuevo.',
  },
  JOB_UNKNOWN: {
    what: 'No se sabe si la tarea se ejecutó.',
    next: 'Mira el dispositivo y después ordénala otra vez.',
  },
  INGEST_FULL: { what: 'El servidor está al límite.', next: 'Espera un momento y prueba de nuevo.' },
  STORE_UNAVAILABLE: {
    what: 'El almacén de métricas no responde.',
    next: 'Arráncalo; hasta entonces las muestras esperan en disco.',
  },
  STORE_INVALID: { what: 'La consulta no es válida.', next: 'Corrige la parte que se nombra.' },
  RECORDS_UNAVAILABLE: {
    what: 'PostgreSQL no responde.',
    next: 'Arráncalo o corrige DATABASE_URL.',
  },
  BROKER_UNAVAILABLE: {
    what: 'El intermediario MQTT no responde.',
    next: 'Arráncalo o corrige su dirección y sus credenciales.',
  },
  DISK_FULL: { what: 'El disco está lleno.', next: 'Libera espacio en el disco que se nombra.' },
  SERVER_AWAY: {
    what: 'El servidor no responde.',
    next: 'Arráncalo con "npm start"; esta página sigue en cuanto vuelva.',
  },
  INTERNAL: {
    what: 'Algo se rompió dentro de Vigía.',
    next: 'Es un fallo de Vigía. Comunícalo con la línea del registro que lleva el identificador.',
  },
}

/** What went wrong and the next step, in the language of the page; `detail` is the server's own message where it adds to that. */
export function tellError(
  error: { code: ErrorCode; message: string },
  language: Language,
): Told & { detail: string | null } {
  const told = language === 'es' ? SPANISH_ERRORS[error.code] : undefined
  if (told) return { ...told, detail: error.message }
  return { what: error.message, next: ERROR_CODES[error.code].next, detail: null }
}

/** The step that mends what a code says, in the language of the page; undefined for what is no code of ours. */
export function nextStep(code: string, language: Language): string | undefined {
  if (!Object.hasOwn(ERROR_CODES, code)) return undefined
  return tellError({ code: code as ErrorCode, message: '' }, language).next
}
