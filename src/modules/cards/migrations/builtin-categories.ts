/*
 * The categories that Banyan comes with. They stand beside the migration that stores them, and change only by another
 * migration. `x-titles` and `x-enum-titles` are what the form shows; `format` "audio" and "image" take the id of an
 * uploaded file.
 */

const text = (zh: string, en: string) => ({ 'zh-CN': zh, en })

const difficulty = {
  type: 'integer',
  minimum: 1,
  maximum: 5,
  'x-titles': text('难度（1–5）', 'Difficulty (1–5)'),
}

export const builtinCategories = [
  {
    name: 'dance',
    titles: text('舞蹈', 'Dance'),
    schema: {
      type: 'object',
      properties: {
        style: { type: 'string', minLength: 1, maxLength: 50, 'x-titles': text('舞种', 'Style') },
        difficulty,
        duration_seconds: {
          type: 'integer',
          minimum: 1,
          maximum: 3600,
          'x-titles': text('时长（秒）', 'Duration (seconds)'),
        },
      },
      required: ['style', 'difficulty', 'duration_seconds'],
      additionalProperties: false,
    },
  },
  {
    name: 'song',
    titles: text('歌曲', 'Song'),
    schema: {
      type: 'object',
      properties: {
        genre: { type: 'string', minLength: 1, maxLength: 50, 'x-titles': text('曲风', 'Genre') },
        bpm: { type: 'integer', minimum: 20, maximum: 300, 'x-titles': text('速度（BPM）', 'BPM') },
        artist: { type: 'string', minLength: 1, maxLength: 100, 'x-titles': text('歌手', 'Artist') },
        audio_file: { type: 'string', format: 'audio', 'x-titles': text('音频文件', 'Audio file') },
      },
      required: ['genre', 'bpm', 'artist'],
      additionalProperties: false,
    },
  },
  {
    name: 'clothing',
    titles: text('服装', 'Clothing'),
    schema: {
      type: 'object',
      properties: {
        style: { type: 'string', minLength: 1, maxLength: 50, 'x-titles': text('风格', 'Style') },
        season: {
          type: 'string',
          enum: ['spring', 'summer', 'autumn', 'winter', 'all'],
          'x-titles': text('季节', 'Season'),
          'x-enum-titles': {
            spring: text('春', 'Spring'),
            summer: text('夏', 'Summer'),
            autumn: text('秋', 'Autumn'),
            winter: text('冬', 'Winter'),
            all: text('四季', 'All seasons'),
          },
        },
        slot: {
          type: 'string',
          enum: ['head', 'top', 'bottom', 'full', 'feet', 'accessory'],
          'x-titles': text('部位', 'Slot'),
          'x-enum-titles': {
            head: text('头部', 'Head'),
            top: text('上装', 'Top'),
            bottom: text('下装', 'Bottom'),
            full: text('套装', 'Full body'),
            feet: text('鞋袜', 'Feet'),
            accessory: text('配饰', 'Accessory'),
          },
        },
      },
      required: ['style', 'season', 'slot'],
      additionalProperties: false,
    },
  },
  {
    name: 'game',
    titles: text('游戏', 'Game'),
    schema: {
      type: 'object',
      properties: {
        type: { type: 'string', minLength: 1, maxLength: 50, 'x-titles': text('类型', 'Type') },
        level: { type: 'integer', minimum: 1, maximum: 999, 'x-titles': text('关卡等级', 'Level') },
        rewards: {
          type: 'array',
          maxItems: 20,
          items: { type: 'string', minLength: 1, maxLength: 100 },
          'x-titles': text('游戏内奖励', 'Rewards in the game'),
        },
      },
      required: ['type', 'level'],
      additionalProperties: false,
    },
  },
]
