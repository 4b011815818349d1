import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react'
import { applyTheme, type ThemeMode } from './theme.ts'

export type ThemeChoice = 'light' | 'dark' | 'system'

type ThemeState = { choice: ThemeChoice; mode: ThemeMode; setChoice: (choice: ThemeChoice) => void }

const ThemeContext = createContext<ThemeState>({ choice: 'system', mode: 'light', setChoice: () => {} })

/** What the person chose, and what is shown now. */
export const useTheme = (): ThemeState => useContext(ThemeContext)

const storageKey = 'banyan.theme'
const darkSystem = matchMedia('(prefers-color-scheme: dark)')
const onSystem = (changed: () => void) => {
  darkSystem.addEventListener('change', changed)
  return () => darkSystem.removeEventListener('change', changed)
}

export function isThemeChoice(value: unknown): value is ThemeChoice {
  return value === 'light' || value === 'dark' || value === 'system'
}

function stored(): ThemeChoice {
  try {
    const value = localStorage.getItem(storageKey)
    return isThemeChoice(value) ? value : 'system'
  } catch {
    return 'system'
  }
}

/** Keeps the choice in this browser (boot.js reads it before the first paint). */
export function ThemeProvider({ children }: { children: ReactNode }) {
  const [choice, setChoiceState] = useState(stored)
  const isDarkSystem = useSyncExternalStore(onSystem, () => darkSystem.matches)
  const mode: ThemeMode = choice === 'system' ? (isDarkSystem ? 'dark' : 'light') : choice
  useEffect(() => applyTheme(mode), [mode])
  const value = useMemo(
    () => ({
      choice,
      mode,
      setChoice: (next: ThemeChoice) => {
        setChoiceState(next)
        try {
          localStorage.setItem(storageKey, next)
        } catch {
          // Without storage the choice lasts as long as the page.
        }
      },
    }),
    [choice, mode],
  )
  return <ThemeContext value={value}>{children}</ThemeContext>
}
