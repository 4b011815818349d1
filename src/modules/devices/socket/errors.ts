import { defineError } from '#core/errors.ts'

/** Answer to a plain GET of the socket's address. */
export const upgradeRequired = defineError({
  code: 'device_socket.upgrade_required',
  status: 426,
  en: 'This address is a WebSocket. Open it with a WebSocket client and a device or user token.',
  'zh-CN': '此地址是 WebSocket 接口，请使用 WebSocket 客户端，并带上设备令牌或用户令牌连接。',
})
export const deviceRefused = defineError({
  code: 'device_socket.refused',
  status: 401,
  en: 'The device is not known here, or its token is not valid. Restart the device so that it fetches a new one.',
  'zh-CN': '设备未登记，或令牌无效。请重启设备以重新获取令牌。',
})
export const tooManySockets = defineError({
  code: 'device_socket.too_many',
  status: 429,
  en: 'This server has too many device connections open. Try again in a moment.',
  'zh-CN': '服务器上的设备连接过多，请稍后再试。',
})
export const helloMissing = defineError({
  code: 'device_socket.hello_missing',
  status: 408,
  en: 'No message came for {seconds} seconds; the connection is closed. Send hello first.',
  'zh-CN': '{seconds} 秒内没有收到任何消息，连接将关闭。请先发送 hello。',
})
export const badMessage = defineError({
  code: 'device_message.invalid',
  status: 400,
  en: 'This message is not understood: {reason}. It was ignored.',
  'zh-CN': '无法识别这条消息（{reason}），已忽略。',
})
export const badFrame = defineError({
  code: 'device_message.bad_frame',
  status: 400,
  en: 'This binary message is no audio frame of version {version}. It was ignored.',
  'zh-CN': '这条二进制消息不是版本 {version} 的音频帧，已忽略。',
})
export const messageTooLarge = defineError({
  code: 'device_message.too_large',
  status: 413,
  en: 'The message has {length} bytes; at most {limit} fit. It was ignored.',
  'zh-CN': '消息有 {length} 字节，超过了 {limit} 字节的上限，已忽略。',
})
export const tooManyMessages = defineError({
  code: 'device_message.too_many',
  status: 429,
  en: 'Too many messages on this connection; some were ignored.',
  'zh-CN': '此连接发送的消息过于频繁，部分已被忽略。',
})
export const helloFirst = defineError({
  code: 'device_message.hello_first',
  status: 409,
  en: 'Say hello before you listen.',
  'zh-CN': '请先发送 hello，再开始聆听。',
})
export const notADevice = defineError({
  code: 'device_message.not_a_device',
  status: 403,
  en: 'This connection speaks for a user, not for a device. Name one of the user’s devices in device-id.',
  'zh-CN': '此连接代表用户而非设备。请在 device-id 中填写该用户的一台设备。',
})
export const audioUnsupported = defineError({
  code: 'device_message.audio_unsupported',
  status: 415,
  en: 'Sound in this format cannot be heard here. Send Opus, one channel.',
  'zh-CN': '不支持此音频格式，请发送单声道 Opus。',
})
export const toolFailed = defineError({
  code: 'device_tool.failed',
  status: 502,
  en: 'The device answered: {reason}',
  'zh-CN': '设备返回：{reason}',
})
export const toolTimeout = defineError({
  code: 'device_tool.timeout',
  status: 504,
  en: 'The device did not answer in time.',
  'zh-CN': '设备没有及时回应。',
})
export const toolUnknown = defineError({
  code: 'device_tool.unknown',
  status: 404,
  en: 'The device cannot do “{tool}”.',
  'zh-CN': '设备不支持“{tool}”。',
})
export const deviceUnowned = defineError({
  code: 'device.unowned',
  status: 403,
  en: 'This device belongs to nobody yet. Add it on the devices page with the code that it shows at start-up.',
  'zh-CN': '设备尚未绑定（bind）。请在“设备”页面输入设备启动时显示的验证码完成绑定。',
})
export const turnBroken = defineError({
  code: 'device_turn.failed',
  status: 500,
  en: 'Something went wrong. Say it again, please.',
  'zh-CN': '出了点问题，请再说一遍。',
})
