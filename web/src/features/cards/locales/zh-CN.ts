import making from '../texts/making.zh-CN.ts'
import redeeming from '../texts/redeeming.zh-CN.ts'

export default {
  title: '卡片',
  menu: {
    groups: { mine: '我的', making: '制卡', watching: '运营' },
    collection: '我的卡册',
    redeem: '兑换',
    templates: '模板',
    batches: '批次',
    categories: '类别',
    analytics: '统计',
    usage: '使用日志',
  },
  notAllowed: {
    title: '您没有权限查看此页',
    text: '需要的话，请联系超级管理员为您的角色添加权限。',
    home: '回到卡片',
  },
  common: { required: '请填写此项' },
  rarities: { common: '普通', uncommon: '优秀', rare: '稀有', epic: '史诗', legendary: '传说' },
  ...making,
  ...redeeming,
}
