import type { Engines } from './html.ts'

/** Loaded when the first code or formula is shown; `version` grows with each that arrives. */
const engines: Engines = { highlight: null, math: null }
let version = 0
const listeners = new Set<() => void>()
const asked = new Set<keyof Engines>()

export const loadedEngines = (): Engines => engines
export const enginesVersion = (): number => version
export const onEngines = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

const loaders: { [K in keyof Engines]: () => Promise<NonNullable<Engines[K]>> } = {
  highlight: async () => (await import('./highlight.ts')).highlight,
  math: async () => (await import('./katex.ts')).math,
}

export function wantEngine<K extends keyof Engines>(name: K): void {
  if (asked.has(name)) return
  asked.add(name)
  loaders[name]().then(
    engine => {
      engines[name] = engine
      version += 1
      for (const listener of listeners) listener()
    },
    // Offline, perhaps: the plain text stays, and the next one that wants it tries again.
    () => asked.delete(name),
  )
}
