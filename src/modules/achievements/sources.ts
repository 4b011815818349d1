import type { Locale } from '#core/errors.ts'
import type { EventType } from '#core/events/events.ts'
import { CardRedeemed, RedemptionUndone, rarities } from '#modules/cards/contract.ts'
import { ConversationCreated, MessageAnswered, MessagePosted } from '#modules/chat/contract.ts'
import { DeviceClaimed, DeviceTurnCompleted } from '#modules/devices/contract.ts'
import { UserCreated } from '#modules/identity/contract.ts'
import { AchievementUnlocked, type EventField } from './contract.ts'
import { tierNames } from './rule.ts'

type Texts = Record<Locale, string>

/** An event that rules may count: whose it is, and which of its fields may be counted and filtered. */
export type Source<T = Record<string, unknown>> = {
  event: EventType<T>
  names: Texts
  user(payload: T): string
  /** What the event is about, where another event may undo it. */
  subject?(payload: T): string
  /** A card that brings points by itself. They are given once for each subject, and go with what undoes it. */
  card?(payload: T): { template_id: string; points: number }
  /** The event that this one undoes, for the same subject. It is not counted by itself. */
  undoes?: string
  fields: readonly (EventField & { name: keyof T & string })[]
}

/** Checked against its own event here; in the list they are all of one type, which no event's payload fits. */
const source = <T>(definition: Source<T>): Source => definition as unknown as Source

const text = <const N extends string>(name: N, names: Texts, values: readonly string[] | null = null) => ({
  name,
  names,
  kind: 'text' as const,
  values: values === null ? null : [...values],
})

const number = <const N extends string>(name: N, names: Texts) => ({
  name,
  names,
  kind: 'number' as const,
  values: null,
})

/** A new event is one entry here. */
export const sources: readonly Source[] = [
  source({
    event: UserCreated,
    names: { 'zh-CN': '注册账号', en: 'Account created' },
    user: payload => payload.user_id,
    fields: [],
  }),
  source({
    event: ConversationCreated,
    names: { 'zh-CN': '新建对话', en: 'Conversation started' },
    user: payload => payload.user_id,
    fields: [],
  }),
  source({
    event: MessagePosted,
    names: { 'zh-CN': '发送消息', en: 'Message sent' },
    user: payload => payload.user_id,
    fields: [text('conversation_id', { 'zh-CN': '对话', en: 'Conversation' })],
  }),
  source({
    event: MessageAnswered,
    names: { 'zh-CN': '收到回答', en: 'Answer received' },
    user: payload => payload.user_id,
    fields: [
      text('status', { 'zh-CN': '结果', en: 'Outcome' }, ['done', 'stopped', 'interrupted', 'failed']),
      number('tokens_used', { 'zh-CN': 'Token 数', en: 'Tokens' }),
      text('conversation_id', { 'zh-CN': '对话', en: 'Conversation' }),
    ],
  }),
  source({
    event: CardRedeemed,
    names: { 'zh-CN': '兑换卡片', en: 'Card redeemed' },
    user: payload => payload.user_id,
    subject: payload => payload.redemption_id,
    card: ({ template_id, points = 0 }) => ({ template_id, points }),
    fields: [
      text('category', { 'zh-CN': '类别', en: 'Category' }),
      text('rarity', { 'zh-CN': '稀有度', en: 'Rarity' }, rarities),
      text('template_id', { 'zh-CN': '卡片模板', en: 'Card template' }),
      text('batch_id', { 'zh-CN': '批次', en: 'Batch' }),
    ],
  }),
  source({
    event: RedemptionUndone,
    names: { 'zh-CN': '撤销兑换', en: 'Redemption undone' },
    user: payload => payload.user_id,
    subject: payload => payload.redemption_id,
    undoes: CardRedeemed.name,
    fields: [],
  }),
  source({
    event: DeviceClaimed,
    names: { 'zh-CN': '绑定设备', en: 'Device claimed' },
    user: payload => payload.user_id,
    fields: [
      text('device_id', { 'zh-CN': '设备', en: 'Device' }),
      text('type_id', { 'zh-CN': '设备类型', en: 'Device type' }),
    ],
  }),
  source({
    event: DeviceTurnCompleted,
    names: { 'zh-CN': '与设备对话', en: 'Talked with a device' },
    user: payload => payload.user_id,
    fields: [
      number('spoken_ms', { 'zh-CN': '设备说话的毫秒数', en: 'Milliseconds spoken' }),
      text('device_id', { 'zh-CN': '设备', en: 'Device' }),
      text('bot_id', { 'zh-CN': '机器人', en: 'Bot' }),
    ],
  }),
  source({
    event: AchievementUnlocked,
    names: { 'zh-CN': '解锁成就', en: 'Achievement unlocked' },
    user: payload => payload.user_id,
    fields: [
      text('achievement_id', { 'zh-CN': '成就', en: 'Achievement' }),
      text('tier', { 'zh-CN': '等级', en: 'Tier' }, tierNames),
    ],
  }),
]

/** Fields that every event has, by the user's own clock. */
export const commonFields: readonly EventField[] = [
  {
    name: 'hour',
    names: { 'zh-CN': '几点', en: 'Hour of the day' },
    kind: 'number',
    values: null,
  },
  {
    name: 'weekday',
    names: { 'zh-CN': '星期几', en: 'Weekday' },
    kind: 'number',
    values: null,
  },
]

/** What the form of a rule offers. */
export const countable: readonly Source[] = sources.filter(({ undoes }) => undoes === undefined)
