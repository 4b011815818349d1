import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Rarity, TemplateContent } from '../contract.ts'
import { RarityShare, rarityShares } from '../rarities.ts'
import { Membership, Template, type Templates, TemplateVersion } from '../templates.ts'

const base = '/api/v1/cards/templates'
const access = 'cards.templates.manage'
const Id = z.object({ id: z.uuid() })
const State = z.enum(['draft', 'published', 'archived'])

export function templateRoutes(router: Router, templates: Templates): void {
  router.route({
    method: 'GET',
    path: base,
    access,
    summary: 'Templates in their newest version, newest first',
    query: PageQuery.extend({
      category: z.string().max(50).optional(),
      rarity: Rarity.optional(),
      state: State.optional(),
      q: z.string().max(100).optional().describe('Part of the name.'),
    }),
    response: pageOf(Template),
    handler: ({ actor, query }) => templates.list(actor, query),
  })
  router.route({
    method: 'POST',
    path: base,
    access,
    summary: 'Make a template, as a draft',
    idempotent: true,
    body: TemplateContent.extend({ category: z.string().max(50) }),
    response: Template,
    status: 201,
    handler: ({ actor, body }) => templates.create(actor, body),
  })
  router.route({
    method: 'GET',
    path: `${base}/:id`,
    access,
    summary: 'A template in its newest version',
    params: Id,
    response: Template,
    handler: ({ params }) => templates.find(params.id),
  })
  router.route({
    method: 'PUT',
    path: `${base}/:id`,
    access,
    summary: 'Store a new version; cards of earlier ones keep what they say',
    params: Id,
    body: TemplateContent.extend({
      base_version: z
        .int()
        .min(1)
        .describe('The version that was changed: refused when there is a newer one.'),
    }),
    response: Template,
    handler: ({ actor, params, body }) => templates.update(actor, params.id, body),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/:id`,
    access,
    summary: 'Publish a template, archive it, or make it a draft again',
    params: Id,
    body: z.object({ state: State }),
    response: Template,
    handler: ({ params, body }) => templates.setState(params.id, body.state),
  })
  router.route({
    method: 'GET',
    path: `${base}/:id/versions`,
    access,
    summary: 'All versions of a template, newest first',
    params: Id,
    query: PageQuery,
    response: pageOf(TemplateVersion),
    handler: ({ params, query }) => templates.versions(params.id, query),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/cards/memberships',
    access,
    summary: 'Plans of which a card may give days',
    response: z.object({ items: z.array(Membership) }),
    handler: () => templates.memberships(),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/cards/rarities',
    access: 'cards.use',
    summary: 'Rarities, from the most common on, with their weights',
    response: z.object({ items: z.array(RarityShare) }),
    handler: () => ({ items: rarityShares }),
  })
}
