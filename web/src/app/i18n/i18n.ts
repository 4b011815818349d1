import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'

export const languages = ['zh-CN', 'en'] as const
export type Language = (typeof languages)[number]

/** Names of the languages in themselves: what a person looks for who cannot read the current one. */
export const languageNames: Record<Language, string> = { 'zh-CN': '简体中文', en: 'English' }

type TextModule = { default: object }

/** `./../features/chat/locales/en.ts` → its loader; a feature's texts are fetched when it is first shown. */
const files: Record<string, () => Promise<TextModule>> = {
  ...import.meta.glob<TextModule>('../locales/*.ts'),
  ...import.meta.glob<TextModule>('../../features/*/locales/*.ts'),
}

const loaderOf = (language: string, namespace: string) =>
  files[
    namespace === 'app' ? `../locales/${language}.ts` : `../../features/${namespace}/locales/${language}.ts`
  ]

const storageKey = 'banyan.language'

/** The person's earlier choice in this browser, else the browser's own first language that Banyan speaks. */
export function detectLanguage(): Language {
  const wanted = [readStored(), ...navigator.languages]
  for (const tag of wanted) {
    if (tag?.startsWith('zh')) return 'zh-CN'
    if (tag?.startsWith('en')) return 'en'
  }
  return 'zh-CN'
}

function readStored(): string | null {
  try {
    return localStorage.getItem(storageKey)
  } catch {
    return null
  }
}

/** Switches the whole app, remembers the choice in this browser and marks the document for screen readers. */
export async function setLanguage(language: Language): Promise<void> {
  try {
    localStorage.setItem(storageKey, language)
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  await i18next.changeLanguage(language)
}

export function isLanguage(value: string): value is Language {
  return languages.some(language => language === value)
}

/** Starts i18next with the app's own texts; features' texts load with their first `useTranslation('feature')`. */
export async function startI18n(): Promise<void> {
  i18next.on('languageChanged', language => {
    document.documentElement.lang = language
  })
  await i18next
    .use({
      type: 'backend',
      init: () => {},
      read: (
        language: string,
        namespace: string,
        done: (error: Error | null, data: object | null) => void,
      ) => {
        const load = loaderOf(language, namespace)
        if (!load) return done(new Error(`no texts ${namespace} in ${language}`), null)
        load().then(
          file => done(null, file.default),
          (error: Error) => done(error, null),
        )
      },
    })
    .use(initReactI18next)
    .init({
      lng: detectLanguage(),
      supportedLngs: languages,
      fallbackLng: false,
      ns: ['app'],
      defaultNS: 'app',
      interpolation: { escapeValue: false },
      react: { useSuspense: true },
    })
}
