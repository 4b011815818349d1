import { defineError } from '#core/errors.ts'

export const categoryNotFound = defineError({
  code: 'category.not_found',
  status: 404,
  en: 'There is no such category.',
  'zh-CN': '没有这个类别。',
})
export const categoryExists = defineError({
  code: 'category.exists',
  status: 409,
  en: 'There is a category “{name}” already. Choose another name.',
  'zh-CN': '类别“{name}”已存在，请换一个名称。',
})
export const categoryBuiltin = defineError({
  code: 'category.builtin',
  status: 409,
  en: 'The categories that Banyan comes with stay as they are. Make one of your own instead.',
  'zh-CN': '内置类别不能修改或删除，请另建一个类别。',
})
export const categoryInUse = defineError({
  code: 'category.in_use',
  status: 409,
  en: 'There are templates of this category, so it cannot be deleted.',
  'zh-CN': '已有模板属于此类别，无法删除。',
})
export const categorySchemaInvalid = defineError({
  code: 'category.schema_invalid',
  status: 422,
  en: 'This schema cannot be used. See the list of errors.',
  'zh-CN': '这个属性定义无法使用，请查看错误列表。',
})

export const templateNotFound = defineError({
  code: 'template.not_found',
  status: 404,
  en: 'There is no such template.',
  'zh-CN': '没有这个模板。',
})
export const templateChanged = defineError({
  code: 'template.changed',
  status: 409,
  en: 'Somebody saved version {version} in the meantime. Load it, and make your changes again.',
  'zh-CN': '其间已有人保存了第 {version} 版，请重新载入后再修改。',
})
export const templateInvalid = defineError({
  code: 'template.invalid',
  status: 422,
  en: 'Some of the template does not fit its category. See the list of errors.',
  'zh-CN': '模板内容与类别要求不符，请查看错误列表。',
})
export const templateNotPublished = defineError({
  code: 'template.not_published',
  status: 409,
  en: 'Only a published template can be printed. Publish it first.',
  'zh-CN': '只有已发布的模板才能制卡，请先发布模板。',
})

export const fileNotFound = defineError({
  code: 'card_file.not_found',
  status: 404,
  en: 'There is no such file. Upload it again.',
  'zh-CN': '没有这个文件，请重新上传。',
})
export const fileEmpty = defineError({
  code: 'card_file.empty',
  status: 400,
  en: 'The file is empty.',
  'zh-CN': '文件是空的。',
})
export const fileTooLarge = defineError({
  code: 'card_file.too_large',
  status: 413,
  en: 'The file is larger than {limit_mb} MB.',
  'zh-CN': '文件超过了 {limit_mb} MB 的上限。',
})
export const fileTypeRefused = defineError({
  code: 'card_file.type_refused',
  status: 415,
  en: 'Send a picture (PNG, JPEG, WebP) or audio (MP3, M4A, OGG, FLAC, WAV).',
  'zh-CN': '请上传图片（PNG、JPEG、WebP）或音频（MP3、M4A、OGG、FLAC、WAV）。',
})

export const batchNotFound = defineError({
  code: 'batch.not_found',
  status: 404,
  en: 'There is no such batch.',
  'zh-CN': '没有这个批次。',
})
export const batchWrongState = defineError({
  code: 'batch.wrong_state',
  status: 409,
  en: 'This cannot be done with a batch that is “{state}”. It needs to be: {needed}.',
  'zh-CN': '批次当前为“{state}”，不能进行此操作（需要：{needed}）。',
  names: {
    draft: { en: 'draft', 'zh-CN': '草稿' },
    generating: { en: 'generating', 'zh-CN': '生成中' },
    ready: { en: 'ready', 'zh-CN': '待发行' },
    released: { en: 'released', 'zh-CN': '已发行' },
    frozen: { en: 'frozen', 'zh-CN': '已冻结' },
    void: { en: 'void', 'zh-CN': '已作废' },
  },
})
export const batchValidityInvalid = defineError({
  code: 'batch.validity_invalid',
  status: 422,
  en: 'Give either a time that is still to come, or a number of days, not both.',
  'zh-CN': '有效期请填写一个将来的时间，或天数，二者只能选一。',
})
export const batchValidityTooFar = defineError({
  code: 'batch.validity_too_far',
  status: 422,
  en: 'The cards would end after the year 9999. Give them no end instead.',
  'zh-CN': '卡片的有效期超出了 9999 年，请改为长期有效。',
})
export const batchSetEmpty = defineError({
  code: 'batch.set_empty',
  status: 404,
  en: 'No published template belongs to the set “{set_name}”.',
  'zh-CN': '系列“{set_name}”中没有已发布的模板。',
})
export const batchExpired = defineError({
  code: 'batch.expired',
  status: 409,
  en: 'The batch is past its validity, so nobody could redeem its cards.',
  'zh-CN': '批次已过有效期，卡片无法再兑换。',
})
export const batchKeyMissing = defineError({
  code: 'batch.key_missing',
  status: 409,
  en: 'The server’s key {key_id}, with which this batch was begun, is not there any more. Put it back, or void the batch.',
  'zh-CN': '生成此批次所用的服务器密钥 {key_id} 已不存在，请恢复该密钥或作废此批次。',
})
export const batchSecretDestroyed = defineError({
  code: 'batch.secret_destroyed',
  status: 409,
  en: 'The secret of this batch was destroyed, so its codes cannot be made again. Cards that are out stay valid.',
  'zh-CN': '此批次的密钥已销毁，无法再导出卡码；已发出的卡片仍然有效。',
})

export const cardNotFound = defineError({
  code: 'card.not_found',
  status: 404,
  en: 'This batch has no card of that number.',
  'zh-CN': '此批次没有这个编号的卡片。',
})
export const exportRangeInvalid = defineError({
  code: 'export.range_invalid',
  status: 422,
  en: 'Choose cards from 1 to {last}; a print file holds at most {limit} of them.',
  'zh-CN': '请选择第 1 到第 {last} 张之间的卡片；一个打印文件最多包含 {limit} 张。',
})
export const sheetDoesNotFit = defineError({
  code: 'sheet.does_not_fit',
  status: 422,
  en: 'Not one card fits on this page. Make the page larger, or the card, the margin or the bleed smaller.',
  'zh-CN': '页面放不下一张卡片，请加大页面，或减小卡片、边距或出血。',
})
