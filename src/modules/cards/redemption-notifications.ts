import { defineNotification } from '#modules/notifications/contract.ts'

export const cardRedeemed = defineNotification<{ redemption_id: string; name: string }>({
  name: 'cards.card_redeemed',
  texts: {
    'zh-CN': { title: '新卡片：{name}', body: '“{name}”已收入您的卡册。' },
    en: { title: 'New card: {name}', body: '“{name}” is in your collection.' },
  },
  path: '/cards/collection?item={redemption_id}',
  is_emailed: false,
})

export const membershipGranted = defineNotification<{
  name: string
  days: number
  plan_zh: string
  plan_en: string
}>({
  name: 'cards.membership_granted',
  texts: {
    'zh-CN': { title: '会员已到账：{days} 天', body: '卡片“{name}”为您带来了 {days} 天会员（{plan_zh}）。' },
    en: {
      title: '{days} days of membership',
      body: 'The card “{name}” brought you {days} days of {plan_en}.',
    },
  },
  is_emailed: false,
})

export const cardTakenBack = defineNotification<{ name: string }>({
  name: 'cards.card_taken_back',
  texts: {
    'zh-CN': {
      title: '卡片已收回：{name}',
      body: '“{name}”的兑换已被撤销，它带来的权益也一并收回。如有疑问，请联系管理员。',
    },
    en: {
      title: 'Card taken back: {name}',
      body: '“{name}” is no longer in your collection, nor is what it brought. If that surprises you, ask an administrator.',
    },
  },
  path: '/cards/collection',
  is_emailed: false,
})

export const bruteForceSuspected = defineNotification<{
  attempts: number
  users: number
  addresses: number
}>({
  name: 'cards.brute_force_suspected',
  texts: {
    'zh-CN': {
      title: '疑似有人在猜测兑换码',
      body: '最近一小时有 {attempts} 次无效兑换，{users} 个账号和 {addresses} 个地址已被锁定。',
    },
    en: {
      title: 'Somebody may be guessing codes',
      body: 'In the last hour {attempts} codes did not work; {users} accounts and {addresses} addresses are locked out.',
    },
  },
  path: '/cards/usage?action=refused',
  is_emailed: true,
})
