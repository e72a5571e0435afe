import { SegmentedControl, useMantineColorScheme } from '@mantine/core'
import type { ReactElement } from 'react'
import { chooseLanguage } from '../language/i18n.ts'
import { useWords } from '../language/use-words.ts'

/** Language and appearance, both kept in this browser; the appearance follows the system until it is chosen. */
export function Choices(): ReactElement {
  const { t, language } = useWords()
  // Without keepTransitions Mantine writes a style element, which the security policy refuses.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true })
  return (
    <div className="choices">
      <SegmentedControl
        size="xs"
        fullWidth
        aria-label={t('shell.language')}
        value={language}
        onChange={(value) => void chooseLanguage(value === 'es' ? 'es' : 'en')}
        data={[
          { value: 'en', label: 'English' },
          { value: 'es', label: 'Español' },
        ]}
      />
      <SegmentedControl
        size="xs"
        fullWidth
        aria-label={t('shell.theme')}
        value={colorScheme}
        onChange={(value) => setColorScheme(value === 'light' ? 'light' : value === 'dark' ? 'dark' : 'auto')}
        data={[
          { value: 'auto', label: t('shell.themeAuto') },
          { value: 'light', label: t('shell.themeLight') },
          { value: 'dark', label: t('shell.themeDark') },
        ]}
      />
    </div>
  )
}
