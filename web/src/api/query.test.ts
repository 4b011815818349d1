import { expect, test } from 'vitest'
import { ApiError } from './client.ts'
import { createQueryClient, meKey } from './query.ts'

const ended = () =>
  Promise.reject(new ApiError({ status: 401, code: 'auth.required', detail: 'Sign in first.' }))

test('a session that ended is noticed by what is read', async () => {
  const client = createQueryClient()
  client.setQueryData(meKey, { id: 'somebody' })
  await expect(client.fetchQuery({ queryKey: ['list'], queryFn: ended })).rejects.toThrow()
  expect(client.getQueryData(meKey)).toBeNull()
})

test('a write that fails because the session ended leaves the page, and what was typed on it', async () => {
  const client = createQueryClient()
  client.setQueryData(meKey, { id: 'somebody' })
  await expect(
    client.getMutationCache().build(client, { mutationFn: ended }).execute(undefined),
  ).rejects.toThrow()
  expect(client.getQueryData(meKey)).toEqual({ id: 'somebody' })
})
