import type { FormInstance } from 'antd'
import { expect, test } from 'vitest'
import { ApiError } from '#api/client.ts'
import { issuesWithoutField, showFieldErrors } from './form.ts'

type Name = (string | number)[]

/** What `showFieldErrors` asks of a form, and what it puts beside each field. */
function formOf(names: Name[]) {
  const shown = new Map<string, unknown>()
  const scrolledTo: string[] = []
  const form = {
    getFieldsError: () => names.map(name => ({ name, errors: [], warnings: [] })),
    setFields: (fields: { name: Name; errors: string[] }[]) => {
      for (const { name, errors } of fields) if (errors.length > 0) shown.set(name.join('.'), errors)
    },
    scrollToField: (name: Name) => scrolledTo.push(name.join('.')),
  }
  return { form: form as unknown as FormInstance, shown, scrolledTo }
}

const errorOf = (...pointers: string[]) =>
  new ApiError({
    status: 422,
    code: 'template.invalid',
    detail: 'See the list of errors.',
    errors: pointers.map(pointer => ({ pointer, detail: 'Wrong.' })),
  })

test.each<[string, Name, string]>([
  ['/body/name', ['name'], 'Wrong.'],
  ['/rule/name', ['rule', 'name'], 'Wrong.'],
  ['/body/attributes/list/1/n', ['attributes', 'list', 1, 'n'], 'Wrong.'],
  ['/body/a~1b~0', ['a/b~'], 'Wrong.'],
  ['/body/tags/2', ['tags'], '#3: Wrong.'],
  ['/body/schema/properties/a/type', ['schema'], '/properties/a/type: Wrong.'],
])('a complaint about %s stands beside %j', (pointer, name, text) => {
  const { form, shown } = formOf([['other'], name.slice(0, 1), name])
  const error = errorOf(pointer)
  showFieldErrors(form, error)
  expect([...shown]).toEqual([[name.join('.'), [text]]])
  expect(issuesWithoutField(error)).toEqual([])
})

test('the first field with a complaint is scrolled to, however far in the others are', () => {
  const { form, scrolledTo } = formOf([['other'], ['name'], ['rule', 'name']])
  showFieldErrors(form, errorOf('/body/rule/name', '/body/name'))
  expect(scrolledTo).toEqual(['name'])
})

test('what finds no field is left for the alert, which shows itself', () => {
  const { form, shown, scrolledTo } = formOf([['name']])
  const error = errorOf('/body/name', '/body', '/body/names')
  showFieldErrors(form, error)
  expect([...shown.keys()]).toEqual(['name'])
  expect(scrolledTo).toEqual([])
  expect(issuesWithoutField(error)?.map(({ pointer }) => pointer)).toEqual(['/body', '/body/names'])
})
