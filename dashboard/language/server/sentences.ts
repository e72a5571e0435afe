import { formatExact } from '../format.ts'
import type { Language } from '../language.ts'

type Told = { words: string; lang: Language }

/**
 * Sentences that the server makes in English, by their pattern, in Spanish; `$1` is a figure or a name that stays.
 * A sentence that is not here is shown in English, and marked as such.
 */
export const SPANISH_SENTENCES: readonly (readonly [RegExp, string])[] = [
  // Coverage: why a rule is evaluated on a device, or not.
  [
    /^Evaluated on (\d+) of (\d+) series, the newest sample (.+?)(?: ago)?\.$/,
    'Se evalúa en $1 de $2 series; la última muestra es de hace $3.',
  ],
  [/^Evaluated on (\d+) of (\d+) series together\.$/, 'Se evalúa en $1 de $2 series juntas.'],
  [/^Still learning: ([\d.]+) of ([\d.]+) days\.$/, 'Aún aprende: $1 de $2 días.'],
  [/^Still learning: (\d+) of (\d+) samples\.$/, 'Aún aprende: $1 de $2 muestras.'],
  [/^Still learning: (.+)\.$/, 'Aún aprende: $1.'],
  [/^It will be evaluated when there is enough history\.$/, 'Se evaluará cuando haya historia suficiente.'],
  [
    /^The newest report has no value of (?:its series|(\d+) series); the last was (.+?)(?: ago)?\.$/,
    'El último informe no trae valor; el anterior es de hace $2.',
  ],
  [
    /^The newest report has no value of (?:its series|(\d+) series); none ever had one\.$/,
    'El último informe no trae valor, y nunca lo ha habido.',
  ],
  [/^outside business hours (.+)$/, 'fuera del horario comercial $1'],
  [
    /^None of (\d+) series has a value that is new enough\.$/,
    'Ninguna de $1 series tiene un valor reciente.',
  ],
  [
    /^The rule also needs what is not known here now: (.+)\.$/,
    'La regla necesita además algo que aquí no se conoce ahora: $1.',
  ],
  [
    /^See what the collector says: the device page lists what is unavailable and why\.$/,
    'Mira qué dice el recolector: la página del dispositivo enumera lo no disponible y por qué.',
  ],
  [
    /^The newest sample of .+ is from (.+?)(?: ago)?; more than (.+) is too old\.$/,
    'La última muestra es de hace $1; más de $2 es demasiado.',
  ],
  [
    /^The device was not heard of for (.+); more than (.+) is too old\.$/,
    'No se sabe nada del dispositivo desde hace $1; más de $2 es demasiado.',
  ],
  [
    /^The device was not heard of for (.+): what it does not report says nothing\.$/,
    'No se sabe nada del dispositivo desde hace $1: lo que no envía no dice nada.',
  ],
  [
    /^See whether the device is online, and whether its clock is right\.$/,
    'Mira si el dispositivo está en línea y si su reloj va bien.',
  ],
  [/^See whether the device is online\.$/, 'Mira si el dispositivo está en línea.'],
  [/^The device has not reported yet\.$/, 'El dispositivo aún no ha enviado nada.'],
  [
    /^See whether its agent runs and reaches the server\.$/,
    'Mira si su agente funciona y llega al servidor.',
  ],
  [
    /^The device reports no series of (\S+); it reports nothing that begins with (\S+)\.$/,
    'El dispositivo no envía ninguna serie de $1, ni nada que empiece por $2.',
  ],
  [
    /^The device reports no series of (\S+); it reports (.+)\.$/,
    'El dispositivo no envía ninguna serie de $1; envía $2.',
  ],
  [
    /^The device reports (\d+) series of (\S+), none with (.+?): (.+)\.$/,
    'El dispositivo envía $1 series de $2, ninguna con $3: $4.',
  ],
  [
    /^Correct the labels in the signal, or leave the device out by the selector\.$/,
    'Corrige las etiquetas de la señal o excluye el dispositivo con el selector.',
  ],
  [
    /^Switch the collector on, or leave the device out by the selector\.$/,
    'Activa el recolector o excluye el dispositivo con el selector.',
  ],
  [
    /^An override switches this rule off for this device\.$/,
    'Una excepción desactiva esta regla en este dispositivo.',
  ],
  [/^This rule is switched off\.$/, 'Esta regla está desactivada.'],
  [/^See "(.+)"\.$/, 'Mira «$1».'],
  [/^Waits for the first report\.$/, 'Espera el primer informe.'],
  [/^Waits for reports; the newest came about (.+) ago\.$/, 'Espera informes; el último llegó hace unos $1.'],
  [/^Begins with the next minute\.$/, 'Empieza en el próximo minuto.'],
  [
    /^Begins with the next report: the rules or the server are new since the last one\.$/,
    'Empieza con el próximo informe: las reglas o el servidor son nuevos desde el último.',
  ],
  [/^Look again in some minutes\.$/, 'Vuelve a mirar dentro de unos minutos.'],
  [/^No device is one where (.+)\.$/, 'En ningún dispositivo se cumple $1.'],
  [/^Waits for (\S+); (\d+) series match\.$/, 'Espera $1; coinciden $2 series.'],
  // What was ruled out, and by which figure.
  [
    /^log rotation, a backup or another rise that ends by itself$/,
    'rotación de registros, una copia u otra subida que acaba sola',
  ],
  [
    /^the last (\d+) that did ended at (.+) at most or went at another pace$/,
    'las últimas $1 que acabaron así llegaron como mucho a $2 o fueron a otro ritmo',
  ],
  [/^none was seen in (.+)$/, 'no se vio ninguna en $1'],
  [/^one-off step$/, 'un salto aislado'],
  [
    /^it has gone on evenly for (.+), over (\d+) samples$/,
    'continúa de forma uniforme desde hace $1, en $2 muestras',
  ],
  [
    /^no single day brought most of the growth of (.+)$/,
    'ningún día trajo la mayor parte de la subida de $1',
  ],
  [/^high but still$/, 'alto pero quieto'],
  [/^it moves by (.+) a day$/, 'se mueve $1 al día'],
  [
    /^one-off step, as of a program that was started$/,
    'un salto aislado, como el de un programa que arranca',
  ],
  [/^cache that warms up and levels off$/, 'una caché que se llena y se estabiliza'],
  [
    /^the newer half still moves by (.+) an hour, the whole by (.+)$/,
    'la mitad más reciente aún se mueve $1 por hora; el conjunto, $2',
  ],
  [/^noise and load$/, 'ruido y carga'],
  [
    /^the line explains (.+) of the movement over (.+); it leaves (.+)$/,
    'la recta explica $1 del movimiento en $2; deja $3',
  ],
  [/^daily rhythm or nightly job$/, 'ritmo diario o tarea nocturna'],
  [
    /^it moved by (.+) in (.+); before, by (.+) at most and (.+) usually$/,
    'se movió $1 en $2; antes, $3 como mucho y $4 habitualmente',
  ],
  [/^return to a level it had before$/, 'vuelta a un nivel que ya tuvo'],
  [/^(.+) is beyond the (.+) seen before$/, '$1 supera los $2 vistos antes'],
  [/^the rhythm of the day and the week$/, 'el ritmo del día y de la semana'],
  [/^the rhythm of the day$/, 'el ritmo del día'],
  [/^the time of the day$/, 'la hora del día'],
  [/^a weekly job$/, 'una tarea semanal'],
  [/^a new level that lasts$/, 'un nivel nuevo que perdura'],
  [/^one series alone$/, 'una sola serie'],
  [/^a spike$/, 'un pico'],
  [/^its usual wandering$/, 'su vaivén habitual'],
  [/^a deviation of the kind it had before$/, 'una desviación como las que ya tuvo'],
  [/^something that it did before$/, 'algo que ya hizo antes'],
  [/^the same finding again$/, 'el mismo hallazgo otra vez'],
  [/^all machines of its kind do this$/, 'todas las máquinas de su tipo hacen esto'],
  [
    /^the median of the (\d+) others is (.+) and has held still over (.+)$/,
    'la mediana de las otras $1 es $2 y no se ha movido en $3',
  ],
  [/^it always differs from them$/, 'siempre difiere de ellas'],
  [/^it will be renewed by itself as before$/, 'se renovará solo, como antes'],
  [/^that happened with (.+) left, which has passed$/, 'ocurría cuando quedaban $1, y ya han pasado'],
  // What a forecast rests on.
  [
    /^one straight line over the last (.+) \(r² (.+)\); held against (.+) of its own history$/,
    'una recta sobre los últimos $1 (r² $2), contrastada con $3 de su propia historia',
  ],
  [
    /^the highest value of each of the last (\d+) days .+; held against (.+) of its own history$/,
    'el valor más alto de cada uno de los últimos $1 días (mediana de todas las pendientes entre ellos), contrastado con $2 de su propia historia',
  ],
  [/^the date that it carries$/, 'la fecha que lleva escrita'],
  [
    /^A line through the means of (.+?) of the last (.+?), held against (.+) of history, in which it never moved by more than (.+) in that time\.$/,
    'Una recta por las medias de $1 de los últimos $2, contrastada con $3 de historia, en la que nunca se movió más de $4 en ese tiempo.',
  ],
  [
    /^A line through the means of (.+?) of the last (.+?), with too little history to compare \((.+)\)\.$/,
    'Una recta por las medias de $1 de los últimos $2, con poca historia para comparar ($3).',
  ],
]

/** A sentence of the server in the reader's language where it is known, else in English. */
export function tellServer(text: string, language: Language): Told {
  const [found, why] = text.split(/ What it finds is suppressed: (.+)\.$/)
  if (found !== undefined && why !== undefined) return tellSuppressed(found, why, language)
  if (language === 'en') return { words: text, lang: 'en' }
  for (const [pattern, spanish] of SPANISH_SENTENCES)
    if (pattern.test(text)) return { words: text.replace(pattern, spanish), lang: 'es' }
  return { words: text, lang: 'en' }
}

/** A finding that something keeps quiet, until a time that the server writes as an ISO 8601 instant. */
function tellSuppressed(finding: string, why: string, language: Language): Told {
  const [reason = why, until] = why.split(/, until (\d{4}-\d\d-\d\dT\S+Z)$/)
  const told = tellServer(finding, language)
  const { lang } = told
  const by = tellServer(reason, lang).words
  const [held, to] =
    lang === 'es' ? ['Lo que encuentra se suprime', 'hasta'] : ['What it finds is suppressed', 'until']
  const end = until === undefined ? '' : `, ${to} ${formatExact(Date.parse(until), lang)}`
  return { words: `${told.words} ${held}: ${by}${end}.`, lang }
}
