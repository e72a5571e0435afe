import { incidentsPerDayChart } from './chart.ts'
import { AVAILABILITY_OBJECTIVE_PERCENT, type ReportModel } from './model.ts'
import { reportWords, type Language, type ReportWords } from './words.ts'

/** A table of the report: `align` names the columns with figures; without rows `empty` stands there. */
export type ReportSection = {
  /** The column that takes the room that the others leave. */
  wide: number
  title: string
  intro: string
  head: string[]
  align: ('left' | 'right')[]
  rows: string[][]
  empty: string
}

/** The report in words and formatted figures: what both renderers draw, and nothing else. */
export type ReportView = {
  language: Language
  title: string
  client: string
  subtitle: string
  note: string
  madeAt: string
  madeAtMs: number
  glanceTitle: string
  glance: { label: string; value: string; detail: string }[]
  chart: { title: string; svg: string; alt: string }
  sections: ReportSection[]
  method: { title: string; text: string }
}

/** Puts a month's model into the words of a language. */
export function viewReport(model: ReportModel, language: Language): ReportView {
  const words = reportWords(language)
  const locale = language === 'es' ? 'es-ES' : 'en-GB'
  const time = (ms: number | null): string =>
    ms === null
      ? '–'
      : new Intl.DateTimeFormat(locale, {
          day: '2-digit',
          month: 'short',
          hour: '2-digit',
          minute: '2-digit',
          timeZone: 'UTC',
        }).format(ms)
  const number = (value: number, digits = 0): string =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(
      value,
    )
  const percent = (value: number | null): string =>
    value === null ? '–' : `${number(Math.floor(value * 100) / 100, 2)} %`
  const month = new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
    model.fromMs,
  )
  const due = model.sla.met + model.sla.breached
  const endedAlone = model.ended.remedy + model.ended.itself
  return {
    language,
    title: words.title,
    client: model.client.name,
    subtitle: `${words.period}: ${month}`,
    note: model.toMs < model.endsMs ? words.soFar : '',
    madeAt: `${words.madeAt}: ${new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(model.madeAtMs)} UTC`,
    madeAtMs: model.madeAtMs,
    glanceTitle: words.glance,
    glance: [
      { label: words.avoided, value: number(model.avoided.length), detail: '' },
      {
        label: words.incidents,
        value: number(model.incidents.length),
        detail: model.incidents.length === 0 ? '' : `${words.withoutPerson}: ${number(endedAlone)}`,
      },
      {
        label: words.tickets,
        value: number(model.tickets.length),
        detail: due === 0 ? words.slaNone : `${words.slaMet}: ${number(model.sla.met)} / ${number(due)}`,
      },
      {
        label: words.availability,
        value: percent(model.total.percent),
        detail: `${words.objective}: ${number(AVAILABILITY_OBJECTIVE_PERCENT, 1)} %`,
      },
    ],
    chart: incidentsPerDayChart(model, {
      title: words.perDay,
      alt: words.perDayAlt,
      none: words.perDayNone,
      kinds: { remedy: words.byRemedy, itself: words.byItself, person: words.byPerson, open: words.open },
    }),
    sections: [
      avoided(model, words, language, { time, number }),
      incidents(model, words, language, time),
      tickets(model, words, language, time),
      devices(model, words, { number, percent }),
    ],
    method: { title: words.method, text: words.methodText },
  }
}

type Time = (ms: number | null) => string
type Format = { number: (value: number, digits?: number) => string }

function avoided(
  model: ReportModel,
  words: ReportWords,
  language: Language,
  { time, number }: Format & { time: Time },
): ReportSection {
  const value = (amount: number | null, unit: string): string => {
    if (amount === null) return '–'
    if (unit === 'bool') return number(amount)
    return `${number(amount, 1)} ${unit === 'percent' ? '%' : unit}`
  }
  return {
    wide: 2,
    title: words.avoided,
    intro: words.avoidedHelp,
    head: [
      words.when,
      words.where,
      words.what,
      words.remedy,
      words.before,
      words.after,
      words.forecast,
      words.took,
      words.evidence,
    ],
    align: ['left', 'left', 'left', 'left', 'right', 'right', 'left', 'right', 'left'],
    rows: model.avoided.map((row) => [
      time(row.atMs),
      row.hostname,
      row.title[language],
      row.remedy,
      value(row.before, row.unit),
      value(row.after, row.unit),
      time(row.forecastAtMs),
      `${number(row.tookMs / 1000, 1)} s`,
      short(row.incident),
    ]),
    empty: words.noneAvoided,
  }
}

function incidents(model: ReportModel, words: ReportWords, language: Language, time: Time): ReportSection {
  return {
    wide: 2,
    title: words.incidents,
    intro: '',
    head: [
      words.opened,
      words.where,
      words.what,
      words.priority,
      words.resolved,
      words.outcome,
      words.evidence,
    ],
    align: ['left', 'left', 'left', 'left', 'left', 'left', 'left'],
    rows: model.incidents.map((row) => [
      time(row.openedAtMs),
      row.hostname,
      row.title[language],
      row.priority,
      time(row.resolvedAtMs),
      outcome(row.resolvedBy, words),
      short(row.id),
    ]),
    empty: words.noneIncidents,
  }
}

function tickets(model: ReportModel, words: ReportWords, language: Language, time: Time): ReportSection {
  return {
    wide: 2,
    title: words.tickets,
    intro: '',
    head: [
      words.number,
      words.where,
      words.what,
      words.tier,
      words.priority,
      words.opened,
      words.due,
      words.resolved,
      words.sla,
    ],
    align: ['left', 'left', 'left', 'left', 'left', 'left', 'left', 'left', 'left'],
    rows: model.tickets.map((row) => [
      `V-${row.number}`,
      row.hostname ?? '–',
      row.title[language],
      row.tier,
      row.priority,
      time(row.openedAtMs),
      time(row.dueAtMs),
      time(row.resolvedAtMs),
      words[row.sla],
    ]),
    empty: words.noneTickets,
  }
}

function devices(
  model: ReportModel,
  words: ReportWords,
  { number, percent }: Format & { percent: (value: number | null) => string },
): ReportSection {
  const minutes = (ms: number): string => `${number(ms / 60_000, 1)} ${words.minutes}`
  const budget = (watchedMs: number, onlineMs: number): string => {
    const allowedMs = watchedMs * (1 - AVAILABILITY_OBJECTIVE_PERCENT / 100)
    return `${minutes(allowedMs - (watchedMs - onlineMs))} ${words.budgetLeft} ${minutes(allowedMs)}`
  }
  return {
    wide: 0,
    title: words.availability,
    intro: '',
    head: [words.device, words.availability, words.watched, words.online, words.excluded, words.budget],
    align: ['left', 'right', 'right', 'right', 'right', 'right'],
    rows: model.devices.map((row) => [
      row.hostname,
      percent(row.percent),
      minutes(row.watchedMs),
      minutes(row.onlineMs),
      minutes(row.excludedMs),
      budget(row.watchedMs, row.onlineMs),
    ]),
    empty: words.noneDevices,
  }
}

function outcome(resolvedBy: 'remedy' | 'itself' | 'person' | null, words: ReportWords): string {
  switch (resolvedBy) {
    case 'remedy':
      return words.byRemedy
    case 'itself':
      return words.byItself
    case 'person':
      return words.byPerson
    case null:
      return words.open
    default:
      return resolvedBy satisfies never
  }
}

/** First eight digits of an incident's identity: what `vigia incident` and the console find it by. */
function short(id: string): string {
  return id.slice(0, 8)
}
