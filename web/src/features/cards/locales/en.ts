import type { SameTexts } from '#app/i18n/texts.ts'
import making from '../texts/making.en.ts'
import redeeming from '../texts/redeeming.en.ts'
import type zhCN from './zh-CN.ts'

const en: SameTexts<typeof zhCN> = {
  title: 'Cards',
  menu: {
    groups: { mine: 'Mine', making: 'Making cards', watching: 'Watching' },
    collection: 'My collection',
    redeem: 'Redeem',
    templates: 'Templates',
    batches: 'Batches',
    categories: 'Categories',
    analytics: 'Statistics',
    usage: 'Usage log',
  },
  notAllowed: {
    title: 'You may not see this page',
    text: 'If you need it, ask a super administrator to add the permission to your role.',
    home: 'Back to cards',
  },
  common: { required: 'Please fill this in' },
  rarities: { common: 'Common', uncommon: 'Uncommon', rare: 'Rare', epic: 'Epic', legendary: 'Legendary' },
  ...making,
  ...redeeming,
}
export default en
