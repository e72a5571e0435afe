import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { en } from './en.ts'
import { es } from './es.ts'

export type Language = 'en' | 'es'

const KEPT = 'vigia-language'

/** Starts the words of the console: the language that was chosen before, else the browser's, else English. */
export async function startLanguage(): Promise<void> {
  i18next.on('languageChanged', (language) => (document.documentElement.lang = language))
  await i18next.use(initReactI18next).init({
    lng: kept() ?? fromBrowser(),
    fallbackLng: 'en',
    resources: { en: { translation: en }, es: { translation: es } },
    // React escapes what it shows.
    interpolation: { escapeValue: false },
  })
}

/** Changes the language and keeps the choice in this browser. */
export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(KEPT, language)
  await i18next.changeLanguage(language)
}

function kept(): Language | undefined {
  const language = localStorage.getItem(KEPT)
  return language === 'en' || language === 'es' ? language : undefined
}

function fromBrowser(): Language {
  const first = navigator.languages
    .map((language) => language.slice(0, 2))
    .find((l) => l === 'es' || l === 'en')
  return first === 'es' ? 'es' : 'en'
}
