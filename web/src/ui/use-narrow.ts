import { useSyncExternalStore } from 'react'
import { narrowWidth } from './theme.ts'

const media = matchMedia(`(max-width: ${narrowWidth - 1}px)`)
const subscribe = (changed: () => void) => {
  media.addEventListener('change', changed)
  return () => media.removeEventListener('change', changed)
}

/** True on a phone's width, where panels are pages. */
export const useNarrow = (): boolean => useSyncExternalStore(subscribe, () => media.matches)
