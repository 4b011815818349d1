import type { FormInstance } from 'antd'
import { ApiError } from '#api/client.ts'

const shown = new WeakSet<Error>()

/** True for an error whose every complaint stands beside its field already. */
export const isShownInFields = (error: unknown): boolean => error instanceof Error && shown.has(error)

/**
 * Puts the server's complaints (`errors[]` with JSON pointers) beside the fields they are about. When every one
 * of them found its field, `ErrorAlert` stays silent about this error. For a mutation's `onError`.
 */
export function showFieldErrors(form: FormInstance, error: unknown): void {
  if (!(error instanceof ApiError) || error.issues.length === 0) return
  const known = Object.keys(form.getFieldsValue(true))
  const fields = error.issues.map(issue => ({
    name: issue.pointer.replace(/^\/(body\/)?/, '').split('/'),
    errors: [issue.detail],
  }))
  form.setFields(fields)
  if (fields.every(field => known.includes(field.name[0] ?? ''))) shown.add(error)
}
