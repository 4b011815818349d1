import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import { type Categories, Category } from '../categories.ts'
import { CategoryTitles } from '../contract.ts'

const base = '/api/v1/cards/categories'
const access = 'cards.categories.manage'
const Name = z.object({ name: z.string().max(50) })
const Input = z.object({
  titles: CategoryTitles,
  schema: z
    .record(z.string().max(100), z.unknown())
    .describe('A closed JSON Schema of type “object”, without references and combinators.'),
})

export function categoryRoutes(router: Router, categories: Categories): void {
  router.route({
    method: 'GET',
    path: base,
    access: 'cards.use',
    summary: 'All categories of cards, with the JSON Schema of their attributes',
    response: z.object({ items: z.array(Category) }),
    handler: () => categories.list(),
  })
  router.route({
    method: 'POST',
    path: base,
    access,
    summary: 'Make a category',
    idempotent: true,
    body: Input.extend({ name: z.string().regex(/^[a-z][a-z0-9_]{1,49}$/) }),
    response: Category,
    status: 201,
    handler: ({ body }) => categories.create(body),
  })
  router.route({
    method: 'PUT',
    path: `${base}/:name`,
    access,
    summary: 'Change a category; templates that exist keep what they say',
    params: Name,
    body: Input,
    response: Category,
    handler: ({ params, body }) => categories.update(params.name, body),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/:name`,
    access,
    summary: 'Delete a category that no template belongs to',
    params: Name,
    handler: ({ params }) => categories.remove(params.name),
  })
}
