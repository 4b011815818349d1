import { expect, test } from 'vitest'
import { ApiError } from '#api/client.ts'
import { issuesWithoutField } from '#ui/form.ts'
import { issuesOf } from './issues.ts'

test('what has a field stands beside it, everything else is left to the alert', () => {
  const pointers = [
    '/body/names/en',
    '/body/rule/tiers/0/goals/1',
    '/body/rule/conditions/2/filters/0/values',
    '/body/rule',
    '/body/rule/conditions',
    '/body/rule/tiers/0/rewards',
  ]
  const error = new ApiError({
    status: 422,
    code: 'achievement.rule_invalid',
    detail: 'See the list of errors.',
    errors: pointers.map(pointer => ({ pointer, detail: 'Wrong.' })),
  })
  expect([...issuesOf(error).keys()]).toEqual([
    '/names/en',
    '/rule/tiers/0/goals/1',
    '/rule/conditions/2/filters/0/values',
  ])
  expect(issuesWithoutField(error)?.map(({ pointer }) => pointer)).toEqual([
    '/rule',
    '/rule/conditions',
    '/rule/tiers/0/rewards',
  ])
})
