import { useTranslation } from 'react-i18next'
import { formatValue } from './format.ts'
import type { Language } from './language.ts'
import type { Translate } from './word-key.ts'

/** The words and the language of the page. */
export function useWords(): { t: Translate; language: Language } {
  const { t, i18n } = useTranslation()
  return { t: t as Translate, language: i18n.language === 'es' ? 'es' : 'en' }
}

/** Shows values with their units; what is null is said to be unavailable, in words. */
export function useValueText(): (value: number | null, unit: string) => string {
  const { t, language } = useWords()
  return (value, unit) => {
    if (value === null) return t('common.unavailable')
    if (unit === 'bool') return value === 0 ? t('common.no') : t('common.yes')
    return formatValue(value, unit, language)
  }
}
