import type { Locale } from '#core/errors.ts'
import type { Condition, Rule, Tier, TierName, Window } from './rule.ts'

type Texts = Record<Locale, string>
export type Starter = {
  key: string
  icon: string
  names: Texts
  descriptions: Texts
  is_hidden?: boolean
  rule: Rule
}

const points: Record<TierName, number> = { bronze: 10, silver: 30, gold: 80, platinum: 150, diamond: 300 }

/** Tiers with one goal each, from bronze on; a single one is gold unless said otherwise. */
function tiers(...goals: number[]): Tier[] {
  const names: TierName[] =
    goals.length === 1 ? ['gold'] : ['bronze', 'silver', 'gold', 'platinum', 'diamond']
  return goals.map((goal, i) => {
    const tier = names[i] ?? 'diamond'
    return { tier, goals: [goal], points: points[tier], rewards: { membership: null } }
  })
}

const first = (tier: TierName = 'bronze'): Tier[] => [
  { tier, goals: [1], points: points[tier], rewards: { membership: null } },
]

const one = (condition: Condition, all: Tier[]): Rule => ({
  match: 'all',
  conditions: [condition],
  tiers: all,
})

const always: Window = { unit: 'all' }
const count = (
  event: string,
  filters: Extract<Condition, { type: 'count' }>['filters'] = [],
  window = always,
) => ({ type: 'count', event, filters, window }) as const

const posted = 'chat.message.posted'
const redeemed = 'cards.card.redeemed'
const claimed = 'devices.device.claimed'
const spoken = 'devices.turn.completed'
const unlocked = 'achievements.achievement.unlocked'

/**
 * What a new Banyan begins with, in the order in which it is shown. Brought in once by its key; administrators may
 * change or switch off each of them, and no later version brings it back.
 */
export const starters: readonly Starter[] = [
  {
    key: 'first-words',
    icon: '👋',
    names: { 'zh-CN': '初次见面', en: 'First words' },
    descriptions: { 'zh-CN': '发送第一条消息', en: 'Send your first message' },
    rule: one(count(posted), first()),
  },
  {
    key: 'chatterbox',
    icon: '💬',
    names: { 'zh-CN': '话匣子', en: 'Chatterbox' },
    descriptions: { 'zh-CN': '累计发送消息', en: 'Send messages' },
    rule: one(count(posted), tiers(50, 500, 2_000, 10_000)),
  },
  {
    key: 'daily-company',
    icon: '🔥',
    names: { 'zh-CN': '每日相伴', en: 'Day by day' },
    descriptions: { 'zh-CN': '连续多天聊天', en: 'Chat on days in a row' },
    rule: one({ type: 'streak', event: posted, filters: [], per_day: 1 }, tiers(3, 7, 30, 100, 365)),
  },
  {
    key: 'marathon-day',
    icon: '🏃',
    names: { 'zh-CN': '聊个痛快', en: 'Marathon day' },
    descriptions: { 'zh-CN': '一天之内发送 50 条消息', en: 'Send 50 messages in one day' },
    rule: one(count(posted, [], { unit: 'day' }), tiers(50)),
  },
  {
    key: 'many-topics',
    icon: '🗂️',
    names: { 'zh-CN': '兴趣广泛', en: 'Many topics' },
    descriptions: { 'zh-CN': '新建不同的对话', en: 'Start conversations' },
    rule: one(count('chat.conversation.created'), tiers(5, 25, 100)),
  },
  {
    key: 'million-tokens',
    icon: '📚',
    names: { 'zh-CN': '博览群书', en: 'Well read' },
    descriptions: { 'zh-CN': '回答累计使用的 Token', en: 'Tokens used by your answers' },
    rule: one(
      { type: 'sum', event: 'chat.message.answered', field: 'tokens_used', filters: [], window: always },
      tiers(10_000, 100_000, 1_000_000),
    ),
  },
  {
    key: 'night-owl',
    icon: '🦉',
    names: { 'zh-CN': '夜猫子', en: 'Night owl' },
    descriptions: {
      'zh-CN': '在凌晨零点到五点之间聊过 10 次',
      en: 'Chat 10 times between midnight and 5 o’clock',
    },
    is_hidden: true,
    rule: one(count(posted, [{ field: 'hour', op: 'at_most', values: [4] }]), tiers(10)),
  },
  {
    key: 'first-card',
    icon: '🎴',
    names: { 'zh-CN': '第一张卡片', en: 'First card' },
    descriptions: { 'zh-CN': '兑换第一张卡片', en: 'Redeem your first card' },
    rule: one(count(redeemed), first()),
  },
  {
    key: 'collector',
    icon: '🃏',
    names: { 'zh-CN': '收藏家', en: 'Collector' },
    descriptions: { 'zh-CN': '收集不同的卡片', en: 'Collect different cards' },
    rule: one(
      { type: 'distinct', event: redeemed, field: 'template_id', filters: [], window: always },
      tiers(5, 20, 50, 100),
    ),
  },
  ...(
    [
      [
        'dance',
        '💃',
        { 'zh-CN': '舞蹈大师', en: 'Dance master' },
        { 'zh-CN': '集齐舞蹈卡片', en: 'Complete the dance cards' },
      ],
      [
        'song',
        '🎵',
        { 'zh-CN': '金曲收藏', en: 'Songbook' },
        { 'zh-CN': '集齐歌曲卡片', en: 'Complete the song cards' },
      ],
      [
        'clothing',
        '👗',
        { 'zh-CN': '时尚衣橱', en: 'Full wardrobe' },
        { 'zh-CN': '集齐服装卡片', en: 'Complete the clothing cards' },
      ],
      [
        'game',
        '🎮',
        { 'zh-CN': '游戏达人', en: 'Game master' },
        { 'zh-CN': '集齐游戏卡片', en: 'Complete the game cards' },
      ],
    ] as const
  ).map(([category, icon, names, descriptions]) => ({
    key: `set-${category}`,
    icon,
    names,
    descriptions,
    rule: one({ type: 'set', category }, tiers(25, 50, 100)),
  })),
  {
    key: 'legend',
    icon: '🌟',
    names: { 'zh-CN': '传说降临', en: 'Legend' },
    descriptions: { 'zh-CN': '兑换一张传说卡片', en: 'Redeem a legendary card' },
    is_hidden: true,
    rule: one(count(redeemed, [{ field: 'rarity', op: 'is', values: ['legendary'] }]), first('gold')),
  },
  {
    key: 'new-friend',
    icon: '🧸',
    names: { 'zh-CN': '新朋友', en: 'New friend' },
    descriptions: { 'zh-CN': '绑定第一台设备', en: 'Claim your first device' },
    rule: one(count(claimed), first()),
  },
  {
    key: 'pioneer',
    icon: '🚀',
    names: { 'zh-CN': '先行者', en: 'Pioneer' },
    descriptions: {
      'zh-CN': '成为最早绑定设备的 100 人之一',
      en: 'Be among the first 100 people to claim a device',
    },
    rule: one({ type: 'first', event: claimed, filters: [] }, tiers(100)),
  },
  {
    key: 'good-company',
    icon: '🎙️',
    names: { 'zh-CN': '形影不离', en: 'Good company' },
    descriptions: { 'zh-CN': '与设备对话', en: 'Talk with your device' },
    rule: one(count(spoken), tiers(10, 100, 1_000, 5_000)),
  },
  {
    key: 'best-friends',
    icon: '🤝',
    names: { 'zh-CN': '最好的朋友', en: 'Best friends' },
    descriptions: { 'zh-CN': '连续多天与设备对话', en: 'Talk with your device on days in a row' },
    rule: one({ type: 'streak', event: spoken, filters: [], per_day: 1 }, tiers(3, 7, 30, 100)),
  },
  {
    key: 'achiever',
    icon: '🏆',
    names: { 'zh-CN': '成就猎人', en: 'Achiever' },
    descriptions: { 'zh-CN': '解锁不同的成就', en: 'Unlock different achievements' },
    rule: one(
      { type: 'distinct', event: unlocked, field: 'achievement_id', filters: [], window: always },
      tiers(5, 10, 15),
    ),
  },
  {
    key: 'hall-of-fame',
    icon: '👑',
    names: { 'zh-CN': '名人堂', en: 'Hall of fame' },
    descriptions: { 'zh-CN': '登上排行榜前 10 名', en: 'Be among the first ten of the leaderboard' },
    rule: one({ type: 'top' }, tiers(10)),
  },
]
