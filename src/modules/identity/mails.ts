import type { Locale } from '#core/errors.ts'

type Mail = { subject: string; text: string }

export function resetMail(user: { locale: Locale; display_name: string }, link: string): Mail {
  return user.locale === 'en'
    ? {
        subject: 'Set a new password',
        text: `Hello ${user.display_name},\n\nopen this link within an hour to set a new password:\n\n${link}\n\nIf you did not ask for it, you need not do anything: your password stays as it is.\n`,
      }
    : {
        subject: '设置新密码',
        text: `${user.display_name}，您好：\n\n请在一小时内打开以下链接设置新密码：\n\n${link}\n\n如果不是您本人的操作，请忽略此邮件，您的密码不会改变。\n`,
      }
}

export function emailLinkMail(user: { locale: Locale; display_name: string }, link: string): Mail {
  return user.locale === 'en'
    ? {
        subject: 'Confirm your e-mail address',
        text: `Hello ${user.display_name},\n\nopen this link within a day to confirm that this address is yours:\n\n${link}\n\nIf you did not ask for it, you need not do anything: nothing changes without the link.\n`,
      }
    : {
        subject: '确认您的邮箱',
        text: `${user.display_name}，您好：\n\n请在 24 小时内打开以下链接，确认此邮箱属于您：\n\n${link}\n\n如果不是您本人的操作，请忽略此邮件，不打开链接就不会有任何更改。\n`,
      }
}

export function invitationMail(locale: Locale, inviter: string, link: string): Mail {
  return locale === 'en'
    ? {
        subject: `${inviter} invites you`,
        text: `Hello,\n\n${inviter} invites you to make an account here:\n\n${link}\n\nThe link works once.\n`,
      }
    : {
        subject: `${inviter} 邀请您注册`,
        text: `您好：\n\n${inviter} 邀请您在这里注册账号：\n\n${link}\n\n该链接只能使用一次。\n`,
      }
}

export function organisationMail(locale: Locale, inviter: string, organisation: string, link: string): Mail {
  return locale === 'en'
    ? {
        subject: `${inviter} invites you to ${organisation}`,
        text: `Hello,\n\n${inviter} invites you to join “${organisation}”. Sign in and open:\n\n${link}\n\nThe link works once.\n`,
      }
    : {
        subject: `${inviter} 邀请您加入 ${organisation}`,
        text: `您好：\n\n${inviter} 邀请您加入“${organisation}”。请登录后打开：\n\n${link}\n\n该链接只能使用一次。\n`,
      }
}

/** Goes to the old address, so that a thief of a session cannot move an account away unnoticed. */
export function emailChangedMail(user: { locale: Locale; display_name: string }): Mail {
  return user.locale === 'en'
    ? {
        subject: 'Your e-mail address was changed',
        text: `Hello ${user.display_name},\n\nyour account now has another e-mail address. If that was not you, tell an administrator at once.\n`,
      }
    : {
        subject: '您的邮箱已更改',
        text: `${user.display_name}，您好：\n\n您的账号已更换邮箱。如果不是您本人的操作，请立即联系管理员。\n`,
      }
}
