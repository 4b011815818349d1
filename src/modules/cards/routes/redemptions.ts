import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import type { Router } from '#core/http/route.ts'
import { CardItem } from '../collection.ts'
import type { redemptionSettings } from '../redemption-config.ts'
import { originOf } from '../redemption-origin.ts'
import type { Redemptions } from '../redemptions.ts'

const base = '/api/v1/cards/redemptions'

export function redemptionRoutes(
  router: Router,
  {
    redemptions,
    settings,
  }: { redemptions: Redemptions; settings: Pick<Settings<typeof redemptionSettings>, 'CARDS_REGION_HEADER'> },
): void {
  router.route({
    method: 'POST',
    path: base,
    access: 'cards.use',
    summary: 'Redeem the code of a card; again by the same user, it answers with the same item',
    idempotent: true,
    body: z.object({
      code: z.string().min(1).max(100).describe('As printed; separators and lower case do not matter.'),
    }),
    response: z
      .object({
        item: CardItem,
        already_owned: z.boolean().describe('You had redeemed it before; nothing happened now.'),
      })
      .meta({ id: 'CardsRedemption' }),
    handler: ({ actor, body, request }) =>
      redemptions.redeem(actor, { code: body.code, origin: originOf(request, settings) }),
  })
  router.route({
    method: 'POST',
    path: `${base}/:id/undo`,
    access: 'cards.redemptions.undo',
    summary:
      'Take a redemption back: the item leaves the collection, and what is left of its days of membership goes',
    params: z.object({ id: z.uuid() }),
    body: z.object({
      reason: z.string().max(500).regex(/\S/),
      void_card: z.boolean().default(false).describe('The card cannot be redeemed again.'),
    }),
    response: z
      .object({
        id: z.uuid(),
        card_state: z.enum(['issued', 'expired', 'void']).describe('What the card is now.'),
        membership: z
          .object({ plan: z.string(), days: z.int() })
          .nullable()
          .describe('What was left of the days that the card had brought, now taken back.'),
      })
      .meta({ id: 'CardsUndone' }),
    handler: ({ actor, params, body }) => redemptions.undo(actor, params.id, body),
  })
}
