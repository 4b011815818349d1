import { newId } from '#core/ids.ts'
import type { TestApp } from '#core/testing/app.ts'
import {
  type AccessContext,
  admins,
  type ModuleAccess,
  of,
  own,
  signedIn,
  type TestUser,
  type Thing,
} from '#modules/identity/testing.ts'
import { secretContext } from './batches.ts'
import { codeOf, printed } from './codes.ts'
import type { CardItem } from './collection.ts'
import type { RedemptionTables } from './redemption-tables.ts'

/** The codes of a batch as they are printed, made from its secret as an export makes them. */
export async function codesOf({ core }: Pick<TestApp, 'core'>, batchId: string): Promise<string[]> {
  const db = core.db.withTables<RedemptionTables>().primary
  const batch = await db
    .selectFrom('cards_batch')
    .select('secret')
    .where('id', '=', batchId)
    .executeTakeFirstOrThrow()
  const secret = Buffer.from(core.secrets.decrypt(batch.secret ?? '', secretContext(batchId)), 'base64url')
  const cards = await db
    .selectFrom('cards_card')
    .select(['number', 'attempt'])
    .where('batch_id', '=', batchId)
    .orderBy('number')
    .execute()
  return cards.map(({ number, attempt }) => printed(codeOf(secret, number, attempt)))
}

/** For `src/access-matrix.test.ts`. `release` makes a released batch of one card; its id. */
export function redeemingAccess(release: (context: AccessContext) => Promise<string>): ModuleAccess {
  async function redeemedBy(user: TestUser, context: AccessContext): Promise<string> {
    const [code] = await codesOf(context.app, await release(context))
    const response = await context.ask('POST', '/api/v1/cards/redemptions', user, { code })
    const { item } = (await response.json()) as { item: CardItem }
    return item.id
  }
  const redemption: Thing = (_, context) => redeemedBy(context.admin, context)
  return {
    routes: {
      'POST /api/v1/cards/redemptions': signedIn,
      'POST /api/v1/cards/redemptions/:id/undo': of(admins, redemption, { reason: 'a mistake' }),
      'GET /api/v1/cards/items': signedIn,
      'GET /api/v1/cards/items/:id': of(own, redeemedBy),
      'GET /api/v1/cards/collection': signedIn,
      'GET /api/v1/cards/usage': admins,
      'GET /api/v1/cards/usage-chains': admins,
      'GET /api/v1/cards/usage-chains/:id/verification': of(admins, async () => newId()),
      'GET /api/v1/cards/analytics/days': admins,
      'GET /api/v1/cards/analytics/groups': { ...admins, query: '?by=batch' },
      'GET /api/v1/cards/analytics/expiry': admins,
    },
    channels: {},
  }
}
