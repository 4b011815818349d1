import { defineError } from '#core/errors.ts'

/** Nothing that recognises speech is set up. `settings`: the names that would do it. */
export const recognizerMissing = defineError({
  code: 'speech.not_configured',
  status: 503,
  en: 'Nothing that recognises speech is set up. The operator can set the keys of one service: {settings}.',
  'zh-CN': '尚未配置语音识别服务。请管理员设置以下任意一组密钥：{settings}。',
})
/** An engine is named, but what it needs is not set. */
export const driverNotConfigured = defineError({
  code: 'speech.driver_not_configured',
  status: 503,
  en: '{setting} chooses “{driver}”, but what it needs is not set: {settings}.',
  'zh-CN': '{setting} 选择了“{driver}”，但它需要的设置还没有填写：{settings}。',
})
export const speechFailed = defineError({
  code: 'speech.provider_failed',
  status: 502,
  en: 'The speech service “{provider}” failed. Try again.',
  'zh-CN': '语音服务“{provider}”出错了，请重试。',
})
export const speechTimeout = defineError({
  code: 'speech.provider_timeout',
  status: 504,
  en: 'The speech service “{provider}” did not answer in time. Try again.',
  'zh-CN': '语音服务“{provider}”没有及时回应，请重试。',
})
export const speechMalformed = defineError({
  code: 'speech.provider_malformed',
  status: 502,
  en: 'The speech service “{provider}” sent something that makes no sense. Check its address.',
  'zh-CN': '语音服务“{provider}”返回了无法识别的内容，请检查它的地址。',
})
/** `reason` is the service’s own short text; nothing of a key may stand in it. */
export const speechRejected = defineError({
  code: 'speech.provider_rejected',
  status: 502,
  en: 'The speech service “{provider}” did not accept the request: {reason}',
  'zh-CN': '语音服务“{provider}”没有接受这个请求：{reason}',
})
export const speechBadKey = defineError({
  code: 'speech.bad_key',
  status: 502,
  en: 'The speech service “{provider}” does not accept its key, or the account is empty. The operator must look at it.',
  'zh-CN': '语音服务“{provider}”不接受当前密钥，或者账户余额不足，请管理员检查。',
})
export const speechRateLimited = defineError({
  code: 'speech.provider_rate_limited',
  status: 503,
  en: 'The speech service “{provider}” is taking no more requests right now. Try again in a moment.',
  'zh-CN': '语音服务“{provider}”当前请求过多，请稍后再试。',
})
export const engineFailed = defineError({
  code: 'speech.engine_failed',
  status: 502,
  en: 'The built-in speech engine stopped in the middle. It has been started again: try once more.',
  'zh-CN': '内置语音引擎中途停止，已重新启动，请再试一次。',
})
export const speechBusy = defineError({
  code: 'speech.busy',
  status: 503,
  en: 'Too much is being spoken at once. Try again in a moment.',
  'zh-CN': '当前朗读任务过多，请稍后再试。',
})
export const unknownVoice = defineError({
  code: 'speech.voice_not_found',
  status: 400,
  en: 'The speech engine has no voice “{voice}”.',
  'zh-CN': '语音引擎没有“{voice}”这个音色。',
})
/** What can be wrong with audio, as a part of the sentence of `speech.bad_audio`. */
const audioProblems = {
  empty: { en: 'the file is empty', 'zh-CN': '文件是空的' },
  no_wav_header: { en: 'no WAV header', 'zh-CN': '没有 WAV 文件头' },
  no_format: { en: 'no format before the data', 'zh-CN': '声音数据之前没有格式说明' },
  format_cut_off: { en: 'the format is cut off', 'zh-CN': '格式说明不完整' },
  unknown_format: {
    en: 'only samples of 8, 16, 24 or 32 bits, or floats of 32, are read',
    'zh-CN': '只支持 8、16、24、32 位整数或 32 位浮点的采样',
  },
  channels: { en: 'only 1 to 8 channels are read', 'zh-CN': '只支持 1 到 8 个声道' },
  sample_rate: {
    en: 'only 8,000 to 96,000 samples a second are read',
    'zh-CN': '只支持每秒 8000 到 96000 的采样率',
  },
  no_sound: { en: 'no sound in it', 'zh-CN': '里面没有声音数据' },
  no_opus: { en: 'no Opus in the Ogg', 'zh-CN': 'Ogg 文件里没有 Opus 音频' },
  damaged_page: { en: 'a damaged Ogg page', 'zh-CN': 'Ogg 数据页已损坏' },
  laced_block: { en: 'several packets in one block', 'zh-CN': '一个数据块里有多个数据包' },
  too_many_packets: { en: 'too many packets', 'zh-CN': '数据包过多' },
}
const unreadableAudio = defineError({
  code: 'speech.bad_audio',
  status: 400,
  en: 'The audio cannot be read: {reason}.',
  'zh-CN': '无法读取这段音频：{reason}。',
  names: audioProblems,
})
export const badAudio = (reason: keyof typeof audioProblems) => unreadableAudio({ reason })
export const unsupportedAudio = defineError({
  code: 'speech.unsupported_audio',
  status: 415,
  en: 'This kind of audio cannot be read here. Send WAV, or Opus in Ogg or WebM.',
  'zh-CN': '无法读取这种音频格式，请使用 WAV，或 Ogg、WebM 封装的 Opus。',
})
export const audioTooLong = defineError({
  code: 'speech.audio_too_long',
  status: 413,
  en: 'The audio is longer than {minutes} minutes. Cut it into parts.',
  'zh-CN': '音频超过了 {minutes} 分钟，请分段上传。',
})
/** A packet that no Opus encoder wrote. The decoder stays usable. */
export const badOpusPacket = defineError({
  code: 'speech.bad_opus_packet',
  status: 400,
  en: 'A packet of the audio is not valid Opus.',
  'zh-CN': '音频中有无效的 Opus 数据包。',
})
