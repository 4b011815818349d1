import { defineError } from '#core/errors.ts'

/* Errors of start-up and claiming, for the people who set a device up. */

export const macInvalid = defineError({
  code: 'device.mac_invalid',
  status: 400,
  en: 'The request needs the device’s MAC address in the header Device-Id, such as 8c:bf:ea:01:02:03.',
  'zh-CN': '请求头 Device-Id 应为设备的 MAC 地址，例如 8c:bf:ea:01:02:03。',
})
export const clientIdMissing = defineError({
  code: 'device.client_id_missing',
  status: 400,
  en: 'The request needs the device’s own random id in the header Client-Id (or as “uuid” in the body): a MAC address alone proves nothing.',
  'zh-CN': '请求头需要 Client-Id（或请求体中的 uuid），即设备自身的随机标识：仅凭 MAC 地址无法确认身份。',
})
export const deviceUnknown = defineError({
  code: 'device.unknown',
  status: 403,
  en: 'This server takes only devices that its operator listed, and this one ({mac}) is not among them.',
  'zh-CN': '本服务器只接受已登记的设备，而这台（{mac}）不在其中。',
})
export const deviceRefused = defineError({
  code: 'device.refused',
  status: 403,
  en: 'The operator has not admitted this device ({mac}).',
  'zh-CN': '管理员未准许这台设备（{mac}）接入。',
})
export const deviceRetired = defineError({
  code: 'device.retired',
  status: 403,
  en: 'This device ({mac}) was taken out of service.',
  'zh-CN': '这台设备（{mac}）已停用。',
})
export const proofInvalid = defineError({
  code: 'device.proof_invalid',
  status: 403,
  en: 'The proof does not match the key that the factory gave this device.',
  'zh-CN': '设备证明与出厂密钥不符。',
})
export const proofMissing = defineError({
  code: 'device.proof_missing',
  status: 409,
  en: 'The device has not proved yet that it is genuine. Leave it switched on and try again in ten seconds.',
  'zh-CN': '设备尚未完成正品验证。请保持开机，十秒后再试。',
})
export const challengeStale = defineError({
  code: 'activation.stale',
  status: 410,
  en: 'This activation is over. Ask the start-up address again for a new one.',
  'zh-CN': '本次激活已失效，请重新请求启动地址获取新的验证码。',
})
export const codeMalformed = defineError({
  code: 'activation_code.malformed',
  status: 400,
  en: 'The code has six digits. Type those that the device shows or speaks.',
  'zh-CN': '验证码是六位数字，请输入设备显示或播报的数字。',
})
export const codeWrong = defineError({
  code: 'activation_code.wrong',
  status: 422,
  en: 'No device shows this code now. Compare it with the device; if that shows none, restart it.',
  'zh-CN': '没有设备正在显示这个验证码。请与设备核对；如果设备没有显示，请重启设备。',
})
export const codeExpired = defineError({
  code: 'activation_code.expired',
  status: 422,
  en: 'This code has expired. The device shows a new one soon; restart it if it does not.',
  'zh-CN': '这个验证码已过期。设备稍后会显示新的验证码；如果没有，请重启设备。',
})
export const codeUsed = defineError({
  code: 'activation_code.used',
  status: 422,
  en: 'This code was used already. If the device is not in your list, restart it and type the new code.',
  'zh-CN': '这个验证码已被使用。如果设备不在您的列表中，请重启设备并输入新的验证码。',
})
export const claimsBlocked = defineError({
  code: 'claim.too_many_attempts',
  status: 429,
  en: 'Too many wrong codes. Try again in {seconds} s.',
  'zh-CN': '错误次数过多，请在 {seconds} 秒后再试。',
})
export const deviceHasOwner = defineError({
  code: 'device.has_owner',
  status: 409,
  en: 'This device belongs to another account. Its owner has to unbind or transfer it first; if you bought it used and cannot reach the owner, ask the operator.',
  'zh-CN': '这台设备已属于其他账号，请原主人先解绑或转让。如果是二手设备且联系不上原主人，请联系管理员。',
})
export const devicesTooMany = defineError({
  code: 'device.too_many',
  status: 409,
  en: 'You have {limit} devices, and there is no room for more. Unbind one first.',
  'zh-CN': '您已有 {limit} 台设备，达到上限，请先解绑一台。',
})
