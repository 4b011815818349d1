import { defineError } from '#core/errors.ts'

/** Also for channels that the caller may not know exist. */
export const channelNotFound = defineError({
  code: 'realtime.channel_not_found',
  status: 404,
  en: 'There is no such channel.',
  'zh-CN': '没有这个频道。',
})
export const invalidFrame = defineError({
  code: 'realtime.invalid_frame',
  status: 400,
  en: 'This message is not understood. Send JSON text of type subscribe, unsubscribe or ping.',
  'zh-CN': '无法识别该消息，请发送类型为 subscribe、unsubscribe 或 ping 的 JSON 文本。',
})
export const tooManyFrames = defineError({
  code: 'realtime.too_many_frames',
  status: 429,
  en: 'Too many messages on this connection; this one was ignored.',
  'zh-CN': '此连接发送的消息过于频繁，本条已被忽略。',
})
export const tooManyChannels = defineError({
  code: 'realtime.too_many_channels',
  status: 429,
  en: 'One connection can follow {max} channels.',
  'zh-CN': '单个连接最多可订阅 {max} 个频道。',
})
export const tooManyConnections = defineError({
  code: 'realtime.too_many_connections',
  status: 429,
  en: 'Your account has too many live connections open. Close some tabs or devices.',
  'zh-CN': '您的账号打开的实时连接过多，请关闭部分页面或设备。',
})
export const tooSlow = defineError({
  code: 'realtime.too_slow',
  status: 503,
  en: 'The connection could not keep up and was closed. Connect again to continue where it stopped.',
  'zh-CN': '连接速度跟不上消息，已被关闭；重新连接即可继续。',
})
