import { setImmediate } from 'node:timers/promises'
import { notConfigured } from '../errors.ts'
import { textOf } from '../openai-wire.ts'
import type { ChatMessage, Delta, UpstreamRequest } from '../types.ts'
import { maxCharacters, type Operation, perform, readCommand, titleOf } from './operations.ts'
import { type Language, languageOf, plain, sentences, shorten } from './text.ts'

/** What the engine calls itself in everything that it writes. */
export const offlineEngine = 'offline'

const shortestText = 20

/**
 * What answers when no provider is set up. It is no model and does not play one: it carries out a few named
 * operations on text that the user gives, says so under each result, and answers anything else with how to set a
 * provider up. The language follows the user's. Throws `ai.not_configured` where a program expects JSON.
 */
export async function* offlineDeltas(request: UpstreamRequest): AsyncGenerator<Delta> {
  if (request.response_format && request.response_format.type !== 'text') throw notConfigured()
  const answer = offlineAnswer(request.messages)
  for (const piece of answer.match(/[\s\S]{1,24}/gu) ?? []) {
    yield { type: 'text', text: piece }
    await setImmediate()
  }
  yield { type: 'finish', reason: 'stop' }
  // A real zero: no model was asked.
  yield { type: 'usage', usage: { prompt_tokens: 0, completion_tokens: 0, source: 'upstream' } }
}

/** A title for a conversation from what the user wrote first; null when there is nothing to make one from. */
export function offlineTitle(text: string): string | null {
  const start = text.slice(0, 4000)
  const heading = /^\s{0,3}#{1,6}\s+(.+)/.exec(start)?.[1]
  const title = shorten(plain(heading ?? sentences(start)[0]?.text ?? ''))
  return title === '' ? null : title
}

function offlineAnswer(messages: readonly ChatMessage[]): string {
  const said = messages.filter(message => message.role === 'user').map(message => textOf(message.content))
  const last = said.at(-1) ?? ''
  const before = said.slice(0, -1).findLast(text => text.trim().length >= shortestText) ?? ''
  const language = languageOf(last)
  const command = readCommand(last, before)
  if (!command) return setUpHint(language)
  if (command.text.length < shortestText) return `${noTextGiven[language]}\n\n${label(language)}`
  const cut = command.text.length > maxCharacters ? `\n\n${textWasCut[language]}` : ''
  const result =
    command.operation === 'title' ? titleOf(command.text) : perform(command.operation, command.text, language)
  return `**${operationNames[language][command.operation]}**\n\n${result}${cut}\n\n${label(language)}`
}

const operationNames: Record<Language, Record<Operation, string>> = {
  zh: { summary: '摘要', keywords: '关键词', title: '标题', outline: '大纲', minutes: '会议纪要' },
  en: { summary: 'Summary', keywords: 'Keywords', title: 'Title', outline: 'Outline', minutes: 'Minutes' },
}

const noTextGiven: Record<Language, string> = {
  zh: '请把要处理的文字也发给我，例如“总结：……”，文字可以写在同一条消息里，也可以先发文字再发指令。',
  en: 'Send the text as well, for example “summarise: …”, in the same message or in the one before.',
}

const textWasCut: Record<Language, string> = {
  zh: `文字过长，只处理了前 ${maxCharacters} 个字符。`,
  en: `The text is long; only its first ${maxCharacters} characters were used.`,
}

const label = (language: Language): string =>
  language === 'zh'
    ? `> engine: "${offlineEngine}" · 没有使用语言模型，以上内容由程序直接取自原文。接入模型后可以得到真正的回答：${howTo.zh}`
    : `> engine: "${offlineEngine}" · No language model was used; a program took this from the text itself. For real answers, ${howTo.en}`

const howTo: Record<Language, string> = {
  zh: '管理员可在“管理 → 初始设置”中粘贴服务商密钥，或设置 MOONSHOT_API_KEY、DEEPSEEK_API_KEY、DASHSCOPE_API_KEY、OPENAI_API_KEY、ANTHROPIC_API_KEY 等环境变量，或在本机启动 Ollama。',
  en: 'an administrator can paste a provider’s key under Admin → Set-up, or set OPENAI_API_KEY, ANTHROPIC_API_KEY, MOONSHOT_API_KEY, DEEPSEEK_API_KEY, DASHSCOPE_API_KEY or another, or start Ollama on this machine.',
}

const setUpHint = (language: Language): string =>
  language === 'zh'
    ? `尚未接入语言模型，所以我无法回答这个问题。

**接入模型**：${howTo.zh}

**在此之前**，我可以对你给出的文字做这些事：

- \`总结：\`文字，摘出最重要的句子
- \`关键词：\`文字
- \`标题：\`文字
- \`大纲：\`文字
- \`会议纪要：\`文字，按模板整理要点和待办

> engine: "${offlineEngine}"`
    : `No language model is set up, so I cannot answer this.

**To set one up**, ${howTo.en}

**Until then**, I can do this with a text that you give:

- \`summarise:\` text, picks its most important sentences
- \`keywords:\` text
- \`title:\` text
- \`outline:\` text
- \`minutes:\` text, arranges main points and tasks by a template

> engine: "${offlineEngine}"`
