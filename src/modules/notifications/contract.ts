import { z } from 'zod'
import type { Executor } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import { contractKey } from '#core/module.ts'

export const NotificationData = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
/** Facts of one notification: they fill the `{placeholders}` of its texts, and reach the client as they are. */
export type NotificationData = z.output<typeof NotificationData>

/** What people can be told of. Modules declare their own kinds as data. */
export type NotificationKind<D extends NotificationData = NotificationData> = {
  /** `module.noun_past`: `billing.plan_granted`. Clients choose an icon by it. */
  name: string
  texts: Record<Locale, { title: string; body: string }>
  /** Where in the app it leads, with placeholders: `/chat/{conversation_id}`. */
  path?: string
  /** Also sent as an e-mail to those who have an address. */
  is_emailed: boolean
  /** Only carries the type of the data. */
  readonly data?: D
}

export const defineNotification = <D extends NotificationData>(
  kind: Omit<NotificationKind<D>, 'data'>,
): NotificationKind<D> => kind

export const Notification = z
  .object({
    id: z.uuid(),
    kind: z.string(),
    title: z.string().describe('In the language of the request.'),
    body: z.string(),
    path: z.string().nullable().describe('Where in the app it leads.'),
    data: NotificationData,
    read_at: z.string().nullable(),
    created_at: z.string(),
  })
  .meta({ id: 'Notification' })
export type Notification = z.output<typeof Notification>

/** How a user wants to be told, besides in the app. */
export const Choices = z
  .object({ by_email: z.boolean().describe('Of the kinds that are sent as e-mails.') })
  .meta({ id: 'NotificationChoices' })
export type Choices = z.output<typeof Choices>

export type Notifications = {
  /**
   * Tells a user something: in the app at once, and by e-mail if the kind asks for it. With `tx` only if that
   * transaction commits. A second call with the same `key` for the same user does nothing.
   */
  notify<D extends NotificationData>(
    user_id: string,
    kind: NotificationKind<D>,
    data: D,
    options?: { tx?: Executor; key?: string },
  ): Promise<void>
  /** The same for many, by one statement, as part of a transaction. */
  notifyAll<D extends NotificationData>(
    tx: Executor,
    kind: NotificationKind<D>,
    notices: readonly { user_id: string; data: D; key?: string }[],
  ): Promise<void>
}

export const notificationsKey = contractKey<Notifications>('notifications')
