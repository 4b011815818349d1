import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import {
  type Analytics,
  AnalyticsQuery,
  analyticsGroups,
  CardsByDay,
  CardsByGroup,
  CardsExpiry,
} from '../analytics.ts'

const access = 'cards.usage.read'
const base = '/api/v1/cards/analytics'

export function analyticsRoutes(router: Router, analytics: Analytics): void {
  router.route({
    method: 'GET',
    path: `${base}/days`,
    access,
    summary: 'Cards issued, redeemed, refused and expired by day',
    query: AnalyticsQuery,
    response: CardsByDay,
    handler: ({ actor, query }) => analytics.byDay(actor, query),
  })
  router.route({
    method: 'GET',
    path: `${base}/groups`,
    access,
    summary: 'The same by batch, template, channel or region',
    query: AnalyticsQuery.extend({ by: z.enum(analyticsGroups) }),
    response: CardsByGroup,
    handler: ({ actor, query: { by, ...query } }) => analytics.byGroup(actor, by, query),
  })
  router.route({
    method: 'GET',
    path: `${base}/expiry`,
    access,
    summary: 'Batches that end next, and how many of their cards will probably be left',
    response: CardsExpiry,
    handler: ({ actor }) => analytics.expiry(actor),
  })
}
