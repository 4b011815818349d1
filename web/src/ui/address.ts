import { useSearchParams } from 'react-router'

type Changes = Record<string, string | null | undefined>

/**
 * Filters and the open panel, as they stand in the address. `set` changes some of them (null takes one away):
 * `push` for what one goes back from, such as a panel; filters replace.
 */
export function useAddress() {
  const [params, setParams] = useSearchParams()
  const write = (changes: Changes, replace: boolean) =>
    setParams(
      old => {
        const next = new URLSearchParams(old)
        for (const [name, value] of Object.entries(changes)) {
          if (value) next.set(name, value)
          else next.delete(name)
        }
        return next
      },
      { replace },
    )
  return {
    get: (name: string): string | undefined => params.get(name) || undefined,
    set: (changes: Changes) => write(changes, true),
    push: (changes: Changes) => write(changes, false),
  }
}
