import { ApiError } from '#api/client.ts'

/** What the server found wrong, by JSON pointer. */
export type Issues = ReadonlyMap<string, string>

export const issuesOf = (error: unknown): Issues =>
  new Map(
    error instanceof ApiError
      ? error.issues.map(({ pointer, detail }) => [pointer.replace(/^\/body(?=\/)/, ''), detail])
      : [],
  )

/** What a form item shows of the first of these pointers that something is wrong with. */
export function problem(issues: Issues, ...pointers: string[]) {
  const help = pointers.map(pointer => issues.get(pointer)).find(detail => detail !== undefined)
  return help === undefined ? {} : { help, validateStatus: 'error' as const }
}
