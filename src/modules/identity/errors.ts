import { defineError } from '#core/errors.ts'

// Signing in

export const invalidCredentials = defineError({
  code: 'auth.invalid_credentials',
  status: 401,
  en: 'The name or the password is wrong.',
  'zh-CN': '用户名或密码不正确。',
})
export const tooManyAttempts = defineError({
  code: 'auth.too_many_attempts',
  status: 429,
  en: 'Too many attempts. Try again in {seconds} s.',
  'zh-CN': '尝试次数过多，请在 {seconds} 秒后重试。',
})
export const tokenInvalid = defineError({
  code: 'auth.token_invalid',
  status: 401,
  en: 'The token is not valid, or no longer. Sign in again.',
  'zh-CN': '令牌无效或已失效，请重新登录。',
})
export const refreshReused = defineError({
  code: 'auth.refresh_reused',
  status: 401,
  en: 'This refresh token was used before, so for your safety the session was ended. Sign in again.',
  'zh-CN': '该刷新令牌已被使用过，为了您的安全，会话已结束，请重新登录。',
})
export const crossSite = defineError({
  code: 'auth.cross_site',
  status: 403,
  en: 'This request came from another site and was refused. Behind a proxy, the operator should set PUBLIC_URL.',
  'zh-CN': '该请求来自其他网站，已被拒绝。若服务器位于代理之后，请管理员设置 PUBLIC_URL。',
})
export const apiTokenRefused = defineError({
  code: 'auth.api_token_refused',
  status: 403,
  en: 'An API token may not do this. Sign in with your password.',
  'zh-CN': 'API 令牌不能执行此操作，请使用密码登录。',
})
export const scopeMissing = defineError({
  code: 'auth.scope_missing',
  status: 403,
  en: 'The scopes of this API token do not cover this request.',
  'zh-CN': '该 API 令牌的权限范围不包含此请求。',
})
export const linkInvalid = defineError({
  code: 'auth.link_invalid',
  status: 400,
  en: 'This link was used already or has expired. Ask for a new one.',
  'zh-CN': '该链接已使用或已过期，请重新获取。',
})
export const sessionNotFound = defineError({
  code: 'session.not_found',
  status: 404,
  en: 'There is no such session.',
  'zh-CN': '会话不存在。',
})
export const apiTokenNotFound = defineError({
  code: 'api_token.not_found',
  status: 404,
  en: 'There is no such API token.',
  'zh-CN': 'API 令牌不存在。',
})
export const apiTokenLimit = defineError({
  code: 'api_token.too_many',
  status: 409,
  en: 'You have {max} API tokens. Delete one first.',
  'zh-CN': '您已有 {max} 个 API 令牌，请先删除一个。',
})
export const expiryPassed = defineError({
  code: 'api_token.expiry_passed',
  status: 400,
  en: 'The token would have expired already. Choose a later day.',
  'zh-CN': '令牌的到期时间已过，请选择更晚的时间。',
})
export const scopeUnknown = defineError({
  code: 'scope.unknown',
  status: 400,
  en: '“{scope}” is not one of your permissions, nor one of: all, read, chat.',
  'zh-CN': '“{scope}”不是您拥有的权限，也不是 all、read、chat 之一。',
})

// Signing up

export const signUpClosed = defineError({
  code: 'sign_up.closed',
  status: 403,
  en: 'Sign-up is closed here. Ask an administrator for an account.',
  'zh-CN': '此处未开放注册，请联系管理员开通账号。',
})
export const invitationNeeded = defineError({
  code: 'sign_up.invitation_needed',
  status: 403,
  en: 'Sign-up needs an invitation here. Ask an administrator for one.',
  'zh-CN': '注册需要邀请，请联系管理员获取邀请。',
})
export const invitationInvalid = defineError({
  code: 'invitation.invalid',
  status: 400,
  en: 'This invitation was used already, has expired, or is for another e-mail address.',
  'zh-CN': '该邀请已使用、已过期，或不适用于此邮箱。',
})
export const invitationUseless = defineError({
  code: 'invitation.sign_up_closed',
  status: 409,
  en: 'Sign-up is closed, so nobody could use an invitation. Allow sign-up by invitation first.',
  'zh-CN': '当前未开放注册，邀请无法使用。请先将注册方式设为“凭邀请注册”。',
})
export const invitationNotFound = defineError({
  code: 'invitation.not_found',
  status: 404,
  en: 'There is no such invitation.',
  'zh-CN': '邀请不存在。',
})

// Passwords

export const passwordErrors = {
  too_short: defineError({
    code: 'password.too_short',
    status: 400,
    en: 'The password needs at least 8 characters.',
    'zh-CN': '密码至少需要 8 个字符。',
  }),
  too_long: defineError({
    code: 'password.too_long',
    status: 400,
    en: 'The password may have at most 128 characters.',
    'zh-CN': '密码最多 128 个字符。',
  }),
  letters_and_digits: defineError({
    code: 'password.letters_and_digits',
    status: 400,
    en: 'The password needs both letters and digits.',
    'zh-CN': '密码需要同时包含字母和数字。',
  }),
  common: defineError({
    code: 'password.common',
    status: 400,
    en: 'This password is among the first that anyone would guess. Choose another.',
    'zh-CN': '该密码过于常见，容易被猜到，请换一个。',
  }),
  like_name: defineError({
    code: 'password.like_name',
    status: 400,
    en: 'The password is too much like your name or e-mail address.',
    'zh-CN': '密码与您的用户名或邮箱过于相似。',
  }),
}
export const wrongPassword = defineError({
  code: 'password.wrong',
  status: 400,
  en: 'The current password is wrong.',
  'zh-CN': '当前密码不正确。',
})

// E-mail addresses

export const emailVerified = defineError({
  code: 'email.verified',
  status: 409,
  en: 'There is no e-mail address that waits to be confirmed.',
  'zh-CN': '没有等待确认的邮箱。',
})
export const tooManyMails = defineError({
  code: 'email.too_many_mails',
  status: 429,
  en: 'Several confirmation mails were sent within the hour. Look into that mailbox, or try again in an hour.',
  'zh-CN': '一小时内已发送多封确认邮件，请先查看邮箱，或一小时后再试。',
})

// Users

export const userNotFound = defineError({
  code: 'user.not_found',
  status: 404,
  en: 'There is no such user.',
  'zh-CN': '用户不存在。',
})
export const usernameInvalid = defineError({
  code: 'user.username_invalid',
  status: 400,
  en: 'A username has 2 to 32 letters, digits, dots, dashes or underscores, and at least one letter.',
  'zh-CN': '用户名需为 2 到 32 个文字、字母、数字、点、短横线或下划线，且至少包含一个文字或字母。',
})
export const displayNameInvalid = defineError({
  code: 'user.display_name_invalid',
  status: 400,
  en: 'The display name is empty.',
  'zh-CN': '显示名称不能为空。',
})
export const emailInvalid = defineError({
  code: 'user.email_invalid',
  status: 400,
  en: 'This is not an e-mail address.',
  'zh-CN': '邮箱地址格式不正确。',
})
export const phoneInvalid = defineError({
  code: 'user.phone_invalid',
  status: 400,
  en: 'This is not a phone number. Outside mainland China, begin with + and the country code.',
  'zh-CN': '手机号格式不正确。中国大陆以外的号码请以 + 和国家代码开头。',
})
export const nameTaken = defineError({
  code: 'user.name_taken',
  status: 409,
  en: 'Another account uses this username, e-mail address or phone number.',
  'zh-CN': '该用户名、邮箱或手机号已被其他账号使用。',
})
export const timeZoneUnknown = defineError({
  code: 'user.time_zone_unknown',
  status: 400,
  en: 'There is no time zone of this name. Use one such as Asia/Shanghai.',
  'zh-CN': '时区名称不存在，请使用类似 Asia/Shanghai 的名称。',
})
export const birthdayInvalid = defineError({
  code: 'user.birthday_invalid',
  status: 400,
  en: 'The birthday must lie between 1900 and today.',
  'zh-CN': '生日需在 1900 年至今天之间。',
})
export const preferencesTooLarge = defineError({
  code: 'user.preferences_too_large',
  status: 400,
  en: 'The preferences may have at most {limit} bytes.',
  'zh-CN': '偏好设置最多 {limit} 字节。',
})
export const lastSuperAdmin = defineError({
  code: 'user.last_super_admin',
  status: 409,
  en: 'This is the last active super_admin. Make another one first.',
  'zh-CN': '这是最后一个有效的超级管理员，请先设置另一个。',
})
export const avatarNotAnImage = defineError({
  code: 'avatar.not_an_image',
  status: 415,
  en: 'The avatar must be a PNG, JPEG, WebP or GIF image.',
  'zh-CN': '头像必须是 PNG、JPEG、WebP 或 GIF 图片。',
})
export const avatarTooLarge = defineError({
  code: 'avatar.too_large',
  status: 413,
  en: 'The avatar may have at most {limit} bytes.',
  'zh-CN': '头像最大 {limit} 字节。',
})
export const avatarMissing = defineError({
  code: 'avatar.not_found',
  status: 404,
  en: 'There is no avatar.',
  'zh-CN': '没有头像。',
})

// Roles

export const roleNotFound = defineError({
  code: 'role.not_found',
  status: 404,
  en: 'There is no role “{role}”.',
  'zh-CN': '角色“{role}”不存在。',
})
export const roleUnknown = defineError({
  code: 'role.unknown',
  status: 400,
  en: 'There is no role “{role}”.',
  'zh-CN': '角色“{role}”不存在。',
})
export const roleFixed = defineError({
  code: 'role.fixed',
  status: 409,
  en: 'super_admin always has every permission.',
  'zh-CN': '超级管理员始终拥有全部权限。',
})
export const permissionUnknown = defineError({
  code: 'permission.unknown',
  status: 400,
  en: 'There is no permission “{permission}”.',
  'zh-CN': '权限“{permission}”不存在。',
})
export const beyondOwnPower = defineError({
  code: 'auth.beyond_own_power',
  status: 403,
  en: 'This would touch a permission that you do not have yourself: “{permission}”.',
  'zh-CN': '此操作涉及您自己没有的权限：{permission}。',
})

// Organisations

export const organisationNotFound = defineError({
  code: 'organisation.not_found',
  status: 404,
  en: 'There is no such organisation.',
  'zh-CN': '组织不存在。',
})
export const organisationRoleNeeded = defineError({
  code: 'organisation.role_needed',
  status: 403,
  en: 'Only an {role} of the organisation may do this.',
  'zh-CN': '只有组织的 {role} 可以执行此操作。',
})
export const lastOwner = defineError({
  code: 'organisation.last_owner',
  status: 409,
  en: 'The last owner cannot leave. Make somebody else an owner, or delete the organisation.',
  'zh-CN': '最后一位所有者不能离开，请先指定其他所有者，或删除该组织。',
})
export const memberNotFound = defineError({
  code: 'member.not_found',
  status: 404,
  en: 'There is no such member.',
  'zh-CN': '成员不存在。',
})
export const organisationLimit = defineError({
  code: 'organisation.too_many',
  status: 409,
  en: 'You belong to {max} organisations. Leave one first.',
  'zh-CN': '您已加入 {max} 个组织，请先退出一个。',
})
