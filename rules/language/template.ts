const PLACE = /\{\{\s*labels\.([a-z][a-z0-9_]*)\s*\}\}/g

/** Fills `{{labels.NAME}}` in; a label that the series lacks becomes empty text. There is no other syntax. */
export function renderTemplate(text: string, labels: Readonly<Record<string, string>>): string {
  return text.replace(PLACE, (_whole, name: string) => labels[name] ?? '')
}

/** The labels that a template names, and what in it is no template although it has braces. */
export function templateParts(text: string): { labels: string[]; faults: string[] } {
  const labels = [...text.matchAll(PLACE)].map((match) => match[1] ?? '')
  const faults = [...text.replace(PLACE, '').matchAll(/\{\{.*?(\}\}|$)/g)].map((match) => match[0])
  return { labels, faults }
}
