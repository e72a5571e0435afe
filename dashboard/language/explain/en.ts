/** Words of an incident's explanation, in English. */
export const explainEn = {
  explain: {
    title: 'Why Vigía says so',
    restsOn: 'It rests on',
    samples: '{{samples}} samples over {{span}}',
    ruledOut: 'Ruled out',
    related: 'Series that took part',
    series: 'Series',
    showed: 'It showed',
    expected: 'Expected',
    inItsWords: 'In the words of the rule:',
    members_one: 'It explains {{count}} alert',
    members_other: 'It explains {{count}} alerts',
    membersLead: 'These opened no incident of their own: the cause is this one.',
    siteMembers_one: '{{count}} device of {{site}}',
    siteMembers_other: '{{count}} devices of {{site}}',
    siteLead: 'One incident for the whole site; its devices are the evidence.',
    still: 'still firing',
    over: 'over',
    lasting: 'for {{span}}',
    siteFinding_one:
      '{{count}} device of the site has stopped reporting, so the site itself is taken to be offline.',
    siteFinding_other:
      '{{count}} devices of the site have stopped reporting, so the site itself is taken to be offline.',
    stillCount: '{{count}} still firing',
    site: 'Site {{site}}',
    merged: 'It ended because another incident explains it.',
    mergedOpen: 'Open that incident',
    flapping: 'Comes and goes',
    silence: 'Silence this',
    replay: 'Judge for yourself',
    replayLead:
      'Runs the rule as it was then over the same samples again. To be run on the machine of the server.',
    ruleSince: 'in force since {{when}}',
    alt: '{{title}}. Measured from {{from}} to {{now}}.',
    altBound: 'The bound is {{bound}}.',
    altForecast: 'The forecast reaches it at {{at}}, between {{early}} and {{late}} with 80% certainty.',
    altForecastOpen: 'The forecast reaches it at {{at}}, at {{early}} at the earliest.',
  },
}

export type Explain = typeof explainEn
