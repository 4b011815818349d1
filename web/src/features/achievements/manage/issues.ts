import { ApiError } from '#api/client.ts'
import { leaveToAlert } from '#ui/form.ts'

/** What the server found wrong, by JSON pointer. */
export type Issues = ReadonlyMap<string, string>

/** Where the editor shows what is wrong. */
const fields = [
  /^\/(names|descriptions)\/(zh-CN|en)$/,
  /^\/(icon|position)$/,
  /^\/rule\/conditions\/\d+\/(type|event|field|per_day|category|achievement_id|tier|window\/(unit|days))$/,
  /^\/rule\/conditions\/\d+\/filters\/\d+\/(field|op|values)$/,
  /^\/rule\/tiers\/\d+\/(tier|goals|goals\/\d+|points|rewards\/membership(\/(plan|days))?)$/,
]

/** The complaints by field; those that have none are left to the alert above the button. */
export function issuesOf(error: unknown): Issues {
  if (!(error instanceof ApiError) || error.issues.length === 0) return new Map()
  const all = error.issues.map(issue => ({ ...issue, pointer: issue.pointer.replace(/^\/body(?=\/)/, '') }))
  const hasField = (pointer: string) => fields.some(field => field.test(pointer))
  leaveToAlert(
    error,
    all.filter(({ pointer }) => !hasField(pointer)),
  )
  return new Map(all.filter(({ pointer }) => hasField(pointer)).map(issue => [issue.pointer, issue.detail]))
}

/** What a form item shows of the first of these pointers that something is wrong with. */
export function problem(issues: Issues, ...pointers: string[]) {
  const help = pointers.map(pointer => issues.get(pointer)).find(detail => detail !== undefined)
  return help === undefined ? {} : { help, validateStatus: 'error' as const }
}
