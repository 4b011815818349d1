import type { TestApp } from '#core/testing/app.ts'
import type { Me, User } from './contract.ts'

/**
 * Any field of any answer that these tests look at. Which of them an answer really has is for the test to find out.
 */
export type Answer = Me & {
  user: User
  items: Answer[]
  next_cursor: string | null
  code: string
  detail: string
  name: string
  token: string
  link: string
  access_token: string
  refresh_token: string
  expires_in: number
  is_current: boolean
}

/** The parsed body of an answer. */
export const bodyOf = async (response: Response): Promise<Answer> => (await response.json()) as Answer

/** The code of a problem. */
export const codeOf = async (response: Response): Promise<string> => (await bodyOf(response)).code

type Caller = { headers: Record<string, string> } | null

/** Asks below `/api/v1`, with a JSON body where one is given. */
export async function ask(app: TestApp, method: string, path: string, who: Caller, body?: unknown) {
  const headers = { ...who?.headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
  const content = body === undefined ? {} : { body: JSON.stringify(body) }
  return app.fetch(`/api/v1${path}`, { method, headers, ...content })
}
