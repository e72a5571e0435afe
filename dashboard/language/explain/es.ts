import type { Explain } from './en.ts'

/** Words of an incident's explanation, in Spanish. */
export const explainEs: Explain = {
  explain: {
    title: 'Por qué lo dice Vigía',
    restsOn: 'Se apoya en',
    samples: '{{samples}} muestras en {{span}}',
    ruledOut: 'Descartado',
    related: 'Series que intervinieron',
    series: 'Serie',
    showed: 'Mostró',
    expected: 'Esperado',
    inItsWords: 'En palabras de la regla:',
    members_one: 'Explica {{count}} alerta',
    members_other: 'Explica {{count}} alertas',
    membersLead: 'No abrieron incidente propio: la causa es esta.',
    siteMembers_one: '{{count}} dispositivo de {{site}}',
    siteMembers_other: '{{count}} dispositivos de {{site}}',
    siteLead: 'Un solo incidente para toda la sede; sus dispositivos son la prueba.',
    still: 'sigue activa',
    over: 'terminada',
    lasting: 'durante {{span}}',
    siteFinding_one:
      '{{count}} dispositivo de la sede ha dejado de informar: se entiende que es la propia sede la que no tiene conexión.',
    siteFinding_other:
      '{{count}} dispositivos de la sede han dejado de informar: se entiende que es la propia sede la que no tiene conexión.',
    stillCount: '{{count}} siguen activas',
    site: 'Sede {{site}}',
    merged: 'Terminó porque otro incidente lo explica.',
    mergedOpen: 'Abrir ese incidente',
    flapping: 'Va y viene',
    silence: 'Silenciar esto',
    replay: 'Compruébalo',
    replayLead:
      'Ejecuta de nuevo la regla, tal como era, sobre las mismas muestras. En la máquina del servidor.',
    ruleSince: 'en vigor desde {{when}}',
    alt: '{{title}}. Medido de {{from}} a {{now}}.',
    altBound: 'El límite es {{bound}}.',
    altForecast: 'La previsión lo alcanza el {{at}}, entre {{early}} y {{late}} con un 80 % de certeza.',
    altForecastOpen: 'La previsión lo alcanza el {{at}}, el {{early}} como muy pronto.',
  },
}
