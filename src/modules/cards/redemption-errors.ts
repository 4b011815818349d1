import { defineError } from '#core/errors.ts'

export const codeIncomplete = defineError({
  code: 'card.code_incomplete',
  status: 422,
  en: 'A code has 16 characters, in four groups of four. Check that none is missing.',
  'zh-CN': '兑换码共 16 位，四位一组。请检查是否有遗漏。',
})
export const codeStrangeCharacter = defineError({
  code: 'card.code_character',
  status: 422,
  en: 'A code has only digits and Latin letters, and no U. Look again at what is printed.',
  'zh-CN': '兑换码只含数字和英文字母，且没有字母 U。请再看一下卡面。',
})
export const codeMistyped = defineError({
  code: 'card.code_mistyped',
  status: 422,
  en: 'One of the characters is wrong, or two are swapped. Compare the code with the card.',
  'zh-CN': '有一位输入错误，或两位顺序颠倒了。请对照卡面核对。',
})
/** One answer for all that can be wrong with a card, so that nothing is learned by trying. */
export const cardNotRedeemable = defineError({
  code: 'card.not_redeemable',
  status: 422,
  en: 'This code cannot be redeemed. Compare it with the card; if it is right, ask where you got the card.',
  'zh-CN': '这个兑换码无法兑换。请对照卡面核对；若无误，请联系购卡处。',
})
export const tooManyAttempts = defineError({
  code: 'card.too_many_attempts',
  status: 429,
  en: 'Too many codes that do not work. Try again in {seconds} s.',
  'zh-CN': '无效的兑换码过多，请在 {seconds} 秒后重试。',
})
export const redemptionNotFound = defineError({
  code: 'redemption.not_found',
  status: 404,
  en: 'There is no such redemption.',
  'zh-CN': '没有这次兑换。',
})
export const redemptionUndone = defineError({
  code: 'redemption.undone',
  status: 409,
  en: 'This redemption has been undone already.',
  'zh-CN': '这次兑换已经撤销。',
})
export const itemNotFound = defineError({
  code: 'item.not_found',
  status: 404,
  en: 'This card is not in your collection.',
  'zh-CN': '您的卡册里没有这张卡片。',
})
