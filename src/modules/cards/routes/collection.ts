import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { CardItem, Collection, type CollectionService } from '../collection.ts'
import { Rarity } from '../contract.ts'

export function collectionRoutes(router: Router, collection: CollectionService): void {
  router.route({
    method: 'GET',
    path: '/api/v1/cards/items',
    access: 'cards.use',
    summary: 'Own cards, newest first',
    query: PageQuery.extend({
      category: z.string().max(50).optional(),
      rarity: Rarity.optional(),
      set_name: z.string().max(100).optional(),
    }),
    response: pageOf(CardItem),
    handler: ({ actor, query }) => collection.list(actor, query),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/cards/items/:id',
    access: 'cards.use',
    summary: 'One of your cards',
    params: z.object({ id: z.uuid() }),
    response: CardItem,
    handler: ({ actor, params }) => collection.get(actor, params.id),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/cards/collection',
    access: 'cards.use',
    summary: 'How far your collection has come, by category, rarity and set',
    response: Collection,
    handler: ({ actor }) => collection.overview(actor),
  })
}
