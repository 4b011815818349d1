import type { SameTexts } from '#app/i18n/texts.ts'
import people from '../texts/people.en.ts'
import system from '../texts/system.en.ts'
import type zhCN from './zh-CN.ts'

const en: SameTexts<typeof zhCN> = {
  title: 'Administration',
  menu: {
    groups: { start: 'Start', people: 'People', ai: 'Models', system: 'System' },
    setup: 'Set-up',
    users: 'Users',
    roles: 'Roles',
    plans: 'Plans',
    signUp: 'Sign-up and invitations',
    providers: 'Providers',
    models: 'Models',
    spend: 'Spend cap',
    usage: 'Usage',
    jobs: 'Jobs',
    health: 'System health',
    mailbox: 'Mailbox',
  },
  notAllowed: {
    title: 'You may not see this page',
    text: 'If you need it, ask a super administrator to give your role the permission.',
    home: 'Go to the start page',
  },
  common: {
    save: 'Save',
    saved: 'Saved',
    reset: 'Undo changes',
    done: 'Done',
    clearFilters: 'Clear the filters',
    required: 'Please fill this in',
    days_one: '{{count}} day',
    days_other: '{{count}} days',
    id: 'Id',
    copyId: 'Copy the id',
    listComma: ', ',
  },
  languages: { 'zh-CN': '简体中文', en: 'English' },
  ...people,
  ...system,
}
export default en
