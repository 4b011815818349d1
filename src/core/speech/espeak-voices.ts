import type { Voice } from './types.ts'

/** Of the hundred languages of eSpeak NG, those that are offered. */
export const espeakVoices: readonly Voice[] = [
  { id: 'cmn', name: '普通话', language: 'zh-CN' },
  { id: 'yue', name: '粤语', language: 'zh-HK' },
  { id: 'en-us', name: 'English (US)', language: 'en-US' },
  { id: 'en-gb', name: 'English (UK)', language: 'en-GB' },
  { id: 'ja', name: '日本語', language: 'ja-JP' },
  { id: 'ko', name: '한국어', language: 'ko-KR' },
  { id: 'fr-fr', name: 'Français', language: 'fr-FR' },
  { id: 'de', name: 'Deutsch', language: 'de-DE' },
  { id: 'es', name: 'Español', language: 'es-ES' },
  { id: 'it', name: 'Italiano', language: 'it-IT' },
  { id: 'pt-br', name: 'Português (Brasil)', language: 'pt-BR' },
  { id: 'ru', name: 'Русский', language: 'ru-RU' },
]

/** The voice for a language, or, where none is given, for the letters of the text. */
export function voiceFor(text: string, language?: string): string {
  if (language) {
    const exact = espeakVoices.find(voice => voice.language.toLowerCase() === language.toLowerCase())
    const [base = ''] = language.toLowerCase().split('-')
    const near = espeakVoices.find(voice => voice.language.toLowerCase().startsWith(`${base}-`))
    const found = exact ?? near
    // A Chinese voice reads English words well; an English one reads no Chinese.
    if (found && !(found.id.startsWith('en') && hasHan.test(text))) return found.id
  }
  return hasHan.test(text) || !/\p{L}/u.test(text) ? 'cmn' : 'en-us'
}

const hasHan = /\p{Script=Han}/u
