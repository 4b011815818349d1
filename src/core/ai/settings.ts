import { z } from 'zod'
import { integer, list, type Setting, secret, text, url } from '#core/config.ts'

const key = (provider: string) =>
  secret(`API key of ${provider}. Several, separated by commas, take turns.`, { reloadable: true })
const baseUrl = (provider: string, example: string) =>
  url(
    `Another address for ${provider}, with its version path: a gateway or a region of your own.`,
    ['http', 'https'],
    {
      reloadable: true,
      example,
    },
  )

/** The settings of the AI gateway. Providers may also be set up by administrators in the app. */
export const aiSettings = {
  OPENAI_API_KEY: key('OpenAI'),
  OPENAI_BASE_URL: baseUrl('OpenAI', 'https://eu.api.openai.com/v1'),
  ANTHROPIC_API_KEY: key('Anthropic (Claude)'),
  ANTHROPIC_BASE_URL: baseUrl('Anthropic', 'https://api.anthropic.com/v1'),
  MOONSHOT_API_KEY: key('Moonshot (Kimi)'),
  MOONSHOT_BASE_URL: baseUrl('Moonshot', 'https://api.moonshot.ai/v1'),
  DEEPSEEK_API_KEY: key('DeepSeek'),
  DEEPSEEK_BASE_URL: baseUrl('DeepSeek', 'https://api.deepseek.com/v1'),
  DASHSCOPE_API_KEY: key('Alibaba Cloud Model Studio (Qwen)'),
  DASHSCOPE_BASE_URL: baseUrl(
    'Alibaba Cloud Model Studio',
    'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
  ),
  ZHIPU_API_KEY: key('Zhipu (GLM)'),
  ZHIPU_BASE_URL: baseUrl('Zhipu', 'https://api.z.ai/api/paas/v4'),
  OPENAI_COMPATIBLE_URL: url(
    'Address of any other server that speaks OpenAI’s protocol (vLLM, LM Studio, a gateway), with its version path. Its models are listed by themselves.',
    ['http', 'https'],
    { reloadable: true, example: 'http://localhost:8000/v1' },
  ),
  OPENAI_COMPATIBLE_API_KEY: key('that server, where it wants one'),
  OLLAMA_URL: text(
    'Address of an Ollama server. Its models are listed by themselves as soon as it runs; “off” does not look for one.',
    'http://127.0.0.1:11434',
    { reloadable: true },
  ),

  AI_DEFAULT_MODEL: text('Model for those who chose none. Default: the first configured provider’s.', '', {
    reloadable: true,
    example: 'kimi-latest',
  }),
  AI_CURRENCY: text('Currency in which cost is counted and the spend cap is given (ISO 4217).', 'CNY'),
  AI_EXCHANGE_RATES: rates(
    'What one unit of a currency of a provider’s prices costs in AI_CURRENCY.',
    'USD=7.2',
  ),
  AI_ASSUMED_PRICE: amount(
    'What a million tokens count for where a provider with a key has a model whose price is not known, in AI_CURRENCY, so that the spend cap holds for it too.',
    '20',
  ),
  AI_SPEND_CAP_DAY: amount(
    'Most that all users together may spend at providers per day, in AI_CURRENCY, such as 20 or 7.50. 0: no cap.\nAdministrators can set another in the app.',
  ),
  AI_SPEND_CAP_MONTH: amount('The same per month.'),
  AI_FIRST_TOKEN_TIMEOUT_MS: integer(
    'How long a model may think before its first word, in milliseconds.',
    120_000,
    {
      min: 1000,
      reloadable: true,
    },
  ),
  AI_IDLE_TIMEOUT_MS: integer('How long a running answer may pause, in milliseconds.', 60_000, {
    min: 1000,
    reloadable: true,
  }),
  AI_LEDGER_RETENTION_MONTHS: integer('Months for which each call stays in the ledger. 0: for ever.', 24),
}

const microsPerUnit = 1_000_000

/** An amount of money in currency units with up to six decimals, read as micro-units. */
function amount(doc: string, fallback = '0'): Setting<number> {
  return {
    schema: z
      .string()
      .optional()
      .transform((value = fallback, context) => {
        const micros = Math.round(Number(value) * microsPerUnit)
        if (/^\d{1,9}(\.\d{1,6})?$/.test(value)) return micros
        context.addIssue({ code: 'custom', message: 'must be an amount such as 20 or 7.50' })
        return z.NEVER
      }),
    doc,
    example: fallback,
    reloadable: true,
    secret: false,
  }
}

/** `USD=7.2,EUR=7.8` as a table. */
function rates(doc: string, fallback: string): Setting<Readonly<Record<string, number>>> {
  const { schema } = list(doc, fallback)
  return {
    schema: schema.transform((items, context) => {
      const pairs = items.map(item => /^([A-Z]{3})=(\d+(?:\.\d+)?)$/.exec(item))
      if (pairs.every(pair => pair !== null && Number(pair[2]) > 0))
        return Object.fromEntries(pairs.map(pair => [pair?.[1] ?? '', Number(pair?.[2])]))
      context.addIssue({ code: 'custom', message: 'must be a list such as USD=7.2,EUR=7.8' })
      return z.NEVER
    }),
    doc,
    example: fallback,
    reloadable: true,
    secret: false,
  }
}
