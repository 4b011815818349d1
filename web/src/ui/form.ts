import type { FormInstance } from 'antd'
import { ApiError, type InputIssue } from '#api/client.ts'

const unplaced = new WeakMap<Error, readonly InputIssue[]>()

/** The server's complaints that found no field in the form; undefined for an error that no form was shown. */
export const issuesWithoutField = (error: unknown): readonly InputIssue[] | undefined =>
  error instanceof Error ? unplaced.get(error) : undefined

/** Says which of an error's complaints a form has no field for: `ErrorAlert` lists these, and is silent when there are none. */
export const leaveToAlert = (error: Error, issues: readonly InputIssue[]): void =>
  void unplaced.set(error, issues)

/** Where a complaint points to, without the part of the request. */
export const pathOf = ({ pointer }: InputIssue): string[] =>
  pointer
    .replace(/^\/(body(\/|$))?/, '')
    .split('/')
    .filter(part => part !== '')
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))

/** A place below a field: an item by its number, something in a JSON text by its path. */
function placeText(path: readonly string[]): string {
  const [first = ''] = path
  return path.length === 1 && /^\d+$/.test(first) ? `#${Number(first) + 1}` : `/${path.join('/')}`
}

/**
 * Puts the server's complaints (`errors[]` with JSON pointers) beside the fields they are about, the innermost around
 * their place. When every one of them found its field, `ErrorAlert` stays silent about this error; otherwise it lists
 * the others. For a mutation's `onError`.
 */
export function showFieldErrors(form: FormInstance, error: unknown): void {
  if (!(error instanceof ApiError) || error.issues.length === 0) return
  const fields = form
    .getFieldsError()
    .map(({ name }) => ({ name, errors: [] as string[] }))
    .filter(({ name }) => name.length > 0)
  const innermost = fields.toSorted((a, b) => b.name.length - a.name.length)
  const rest: InputIssue[] = []
  for (const issue of error.issues) {
    const path = pathOf(issue)
    const field = innermost.find(({ name }) => name.every((part, at) => String(part) === path[at]))
    const below = path.slice(field?.name.length)
    if (!field) rest.push(issue)
    else field.errors.push(below.length > 0 ? `${placeText(below)}: ${issue.detail}` : issue.detail)
  }
  form.setFields(fields)
  leaveToAlert(error, rest)
  const first = fields.find(({ errors }) => errors.length > 0)
  // The button that was pressed may be far below.
  if (first && rest.length === 0) form.scrollToField(first.name, { block: 'center', focus: true })
}
