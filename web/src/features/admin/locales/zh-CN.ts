import people from '../texts/people.zh-CN.ts'
import system from '../texts/system.zh-CN.ts'

export default {
  title: '管理',
  menu: {
    groups: { start: '开始', people: '人员', ai: '模型', system: '系统' },
    setup: '初始设置',
    users: '用户',
    roles: '角色与权限',
    plans: '套餐',
    signUp: '注册与邀请',
    providers: '模型服务商',
    models: '模型',
    spend: '花费上限',
    usage: '用量',
    jobs: '后台任务',
    health: '系统状态',
    mailbox: '站内邮箱',
  },
  notAllowed: {
    title: '您没有权限查看此页',
    text: '需要的话，请联系超级管理员为您的角色添加权限。',
    home: '回到首页',
  },
  common: {
    save: '保存',
    saved: '已保存',
    reset: '还原',
    done: '完成',
    clearFilters: '清除筛选条件',
    required: '请填写此项',
    days_other: '{{count}} 天',
    id: '编号',
    copyId: '复制编号',
    listComma: '、',
  },
  languages: { 'zh-CN': '简体中文', en: 'English' },
  ...people,
  ...system,
}
