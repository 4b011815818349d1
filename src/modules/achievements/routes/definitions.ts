import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Definition, EventField, Texts } from '../contract.ts'
import { DefinitionInput, DefinitionPatch, type Definitions } from '../definitions.ts'
import { commonFields, countable } from '../sources.ts'

const Id = z.object({ id: z.uuid() })
const path = '/api/v1/achievements/definitions'

const CountableEvent = z
  .object({ name: z.string(), names: Texts, fields: z.array(EventField) })
  .meta({ id: 'AchievementEvent' })

const events = {
  items: countable.map(({ event, names, fields }) => ({
    name: event.name,
    names,
    fields: [...fields, ...commonFields].map(({ name, names, kind, values }) => ({
      name,
      names,
      kind,
      values,
    })),
  })),
}

/** What administrators make and change. */
export function definitionRoutes(router: Router, definitions: Definitions): void {
  router.route({
    method: 'GET',
    path: '/api/v1/achievements/events',
    access: 'achievements.manage',
    summary: 'The events that rules may count, with their fields',
    response: z.object({ items: z.array(CountableEvent) }),
    handler: () => events,
  })
  router.route({
    method: 'GET',
    path,
    access: 'achievements.manage',
    summary: 'All achievements with their rules',
    query: PageQuery,
    response: pageOf(Definition),
    handler: ({ query }) => definitions.list(query),
  })
  router.route({
    method: 'POST',
    path,
    access: 'achievements.manage',
    summary: 'Make an achievement; history is counted in the background',
    idempotent: true,
    body: DefinitionInput,
    response: Definition,
    status: 201,
    handler: ({ actor, body }) => definitions.create(actor, body),
  })
  router.route({
    method: 'GET',
    path: `${path}/:id`,
    access: 'achievements.manage',
    summary: 'An achievement with its rule',
    params: Id,
    response: Definition,
    handler: ({ params }) => definitions.get(params.id),
  })
  router.route({
    method: 'PATCH',
    path: `${path}/:id`,
    access: 'achievements.manage',
    summary: 'Change an achievement; a changed rule is a new version',
    params: Id,
    body: DefinitionPatch,
    response: Definition,
    handler: ({ actor, params, body }) => definitions.update(actor, params.id, body),
  })
  router.route({
    method: 'DELETE',
    path: `${path}/:id`,
    access: 'achievements.manage',
    summary: 'Delete an achievement that nobody has',
    params: Id,
    status: 204,
    handler: ({ params }) => definitions.delete(params.id),
  })
  router.route({
    method: 'POST',
    path: `${path}/:id/replays`,
    access: 'achievements.manage',
    summary: 'Go on counting history after it was stopped',
    params: Id,
    response: Definition,
    status: 202,
    handler: ({ actor, params }) => definitions.resumeReplay(actor, params.id),
  })
}
