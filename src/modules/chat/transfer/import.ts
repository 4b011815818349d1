import { z } from 'zod'
import type { Ai } from '#core/ai/ai.ts'
import type { Db } from '#core/db/db.ts'
import { AppError, defineError, type InputIssue, type Locale, translateError } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { Attachments } from '../attachments.ts'
import { BotFields, type Bots } from '../bots.ts'
import { type Folders, folderStore } from '../folders.ts'
import type { Live } from '../live.ts'
import type { ChatTables } from '../tables.ts'
import { storable } from '../text-stream.ts'
import { ChatGptConversation, fromChatGpt } from './chatgpt.ts'
import { FileConversation, type FileMessage, format, maxConversationBytes, version } from './format.ts'
import { importStore, type NewMessage } from './import-store.ts'
import { JsonBroken, type JsonPart, jsonParts } from './json-parts.ts'

export const ImportResult = z
  .object({
    conversations: z.int(),
    messages: z.int(),
    skipped: z
      .array(z.object({ title: z.string(), reason: z.string() }))
      .describe('What was not taken in, and why; the first 1000.'),
  })
  .meta({ id: 'ImportResult' })
export type ImportResult = z.output<typeof ImportResult>

const nothingFound = defineError({
  code: 'import.nothing_found',
  status: 422,
  en: 'There is no conversation in this file that could be read. It must be a JSON export of Banyan, or the conversations.json of ChatGPT’s export.',
  'zh-CN': '文件中没有可以读取的对话。请选择 Banyan 导出的 JSON，或 ChatGPT 导出中的 conversations.json。',
})
const versionUnknown = defineError({
  code: 'import.version_unknown',
  status: 422,
  en: 'This file comes from a newer Banyan. Update this one first.',
  'zh-CN': '此文件由更新版本的 Banyan 导出，请先升级。',
})
/** Why one conversation was left out. */
const unreadable = defineError({
  code: 'import.conversation_unreadable',
  status: 422,
  en: 'It is not in a form that is known.',
  'zh-CN': '格式无法识别。',
})
const tooLarge = defineError({
  code: 'import.conversation_too_large',
  status: 422,
  en: 'It is larger than {limit_mb} MB.',
  'zh-CN': '超过了 {limit_mb} MB 的上限。',
})
const empty = defineError({
  code: 'import.conversation_empty',
  status: 422,
  en: 'There are no messages in it.',
  'zh-CN': '没有任何消息。',
})
const alreadyHere = defineError({
  code: 'import.conversation_exists',
  status: 409,
  en: 'It is here already.',
  'zh-CN': '已经存在。',
})
const brokenOff = defineError({
  code: 'import.broken_off',
  status: 422,
  en: 'The file breaks off or is damaged here; what follows was not read.',
  'zh-CN': '文件在此处中断或损坏，后面的内容未读取。',
})

const maxSkipped = 1000
const FileBot = BotFields.extend({ id: z.string().max(200) })

/** What an import has done so far. */
type Run = {
  actor: Actor
  signal: AbortSignal
  conversations: number
  messages: number
  skipped: { title: string; problem: AppError }[]
  isOurs: boolean
  models: ReadonlySet<string>
  /** From ids and names in the file to ids here. */
  bots: Map<string, string>
  folders: Map<string, string>
}

export type Imports = ReturnType<typeof createImports>

/**
 * Takes conversations in from our own format and from ChatGPT's, one at a time, so that a large file needs little
 * memory and one bad conversation costs nothing but itself. A conversation comes in once, however often its file does.
 */
export function createImports(deps: {
  db: Db
  ai: Ai
  live: Live
  attachments: Attachments
  bots: Bots
  folders: Folders
}) {
  const { ai, live, attachments } = deps
  const db = deps.db.withTables<ChatTables>()

  async function take(run: Run, part: JsonPart) {
    if (part.key === 'format') run.isOurs = part.json === JSON.stringify(format)
    else if (part.key === 'version' && run.isOurs && part.json !== String(version)) throw versionUnknown()
    else if (part.key === 'bots') await takeBot(run, parse(part.json))
    else if (part.key === null || part.key === 'conversations') await takeConversation(run, part)
  }

  /** Bots come in as private ones. One that is refused is left out, and its conversations have none. */
  async function takeBot(run: Run, given: unknown) {
    const { data: bot } = FileBot.safeParse(given)
    if (!bot) return
    const { id, ...others } = bot
    const fields = { ...clean(others), example_questions: others.example_questions.map(storable) }
    const known = await importStore.findBot(db.primary, run.actor.user_id, fields.name, fields.system_prompt)
    const model = fields.model !== null && run.models.has(fields.model) ? fields.model : null
    const here =
      known ?? (await unlessRefused(deps.bots.create(run.actor, { ...fields, model, is_public: false })))
    if (here) run.bots.set(id, typeof here === 'string' ? here : here.id)
  }

  async function takeConversation(run: Run, { json }: JsonPart) {
    run.signal.throwIfAborted()
    const given = parse(json)
    try {
      if (json === null) throw tooLarge({ limit_mb: Math.floor(maxConversationBytes / 1024 / 1024) })
      const conversation = read(given)
      const { title, messages } = conversation
      if (messages.length === 0 && title === null) throw empty()
      if (await importStore.isHere(db.primary, run.actor.user_id, storable(conversation.source_id)))
        throw alreadyHere()
      await store(run, conversation)
      run.conversations++
      run.messages += messages.length
    } catch (problem) {
      if (!(problem instanceof AppError)) throw problem
      if (run.skipped.length < maxSkipped) run.skipped.push({ title: titleOf(given), problem })
    }
  }

  async function store(run: Run, { messages, folder, ...conversation }: FileConversation) {
    const { user_id } = run.actor
    const id = newId()
    // Siblings are in the order of their ids, and ids in that of their making.
    const ids = messages.map(newId)
    const idOf = new Map<string | null, string>()
    const rows: NewMessage[] = []
    for (const [index, { attachments: _, ...message }] of messages.entries()) {
      const parent_id = message.parent_id === null ? null : idOf.get(message.parent_id)
      if (parent_id === undefined || idOf.has(message.id)) throw unreadable()
      const own = ids[index] as string
      idOf.set(message.id, own)
      const created_at = soundTime(message.created_at)
      rows.push(clean({ ...message, id: own, parent_id, conversation_id: id, created_at }))
    }
    const links = await addFiles(run, messages, ids)
    const { model, bot_id, current_message_id } = conversation
    const row = clean({
      ...conversation,
      id,
      model: model !== null && run.models.has(model) ? model : null,
      bot_id: run.bots.get(bot_id ?? '') ?? null,
      folder_id: folder === null ? null : await folderId(run, storable(folder)),
      current_message_id:
        (current_message_id === null ? undefined : idOf.get(current_message_id)) ?? ids.at(-1) ?? null,
      created_at: soundTime(conversation.created_at),
      updated_at: soundTime(conversation.updated_at),
      last_message_at: soundTime(conversation.last_message_at),
    })
    await db.transaction(async tx => {
      if (!(await importStore.insertConversation(tx, user_id, row))) throw alreadyHere()
      await importStore.insertMessages(tx, user_id, rows)
      await importStore.attach(tx, links)
    })
  }

  /** Files are checked like uploads. One that is refused is left out; its message stays. */
  async function addFiles({ actor, signal }: Run, messages: readonly FileMessage[], ids: readonly string[]) {
    const links: { message_id: string; attachment_id: string; position: number }[] = []
    for (const [index, message] of messages.entries()) {
      for (const [position, { name, text, content_base64 }] of message.attachments.entries()) {
        if (content_base64 === null) continue
        const bytes = Buffer.from(content_base64, 'base64')
        const added = await unlessRefused(attachments.add(actor, { name, bytes, text }, signal))
        if (added) links.push({ message_id: ids[index] as string, attachment_id: added.id, position })
      }
    }
    return links
  }

  async function folderId(run: Run, name: string): Promise<string | null> {
    const known = run.folders.get(name)
    if (known || name === '') return known ?? null
    const made = await unlessRefused(deps.folders.create(run.actor, { name }))
    if (made) run.folders.set(name, made.id)
    return made?.id ?? null
  }

  return {
    /** @throws AppError `import.nothing_found` with the reasons in `errors`, `import.version_unknown` */
    async run(actor: Actor, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<ImportResult> {
      const [models, folders] = await Promise.all([
        ai.modelsFor(actor.user_id, 'chat'),
        folderStore.list(db.primary, actor.user_id),
      ])
      const run: Run = {
        actor,
        signal,
        conversations: 0,
        messages: 0,
        skipped: [],
        isOurs: false,
        models: new Set(models.map(model => model.id)),
        bots: new Map(),
        folders: new Map(folders.map(folder => [folder.name, folder.id])),
      }
      try {
        for await (const part of jsonParts(chunks, { max_part: maxConversationBytes })) await take(run, part)
      } catch (error) {
        if (!(error instanceof JsonBroken)) throw error
        run.skipped.push({ title: '', problem: brokenOff() })
      } finally {
        if (run.conversations > 0) await live.listChanged(actor.user_id)
      }
      const skipped = run.skipped.map(({ title, problem }) => ({
        title,
        reason: translateError(problem, actor.locale),
      }))
      const isInVain =
        run.conversations === 0 && !run.skipped.some(({ problem }) => problem.code === alreadyHere().code)
      if (isInVain) throw nothingFound({}, { issues: issuesOf(run.skipped) })
      return { conversations: run.conversations, messages: run.messages, skipped }
    },
  }
}

/** @throws AppError `import.conversation_unreadable`, `import.conversation_empty` */
function read(given: unknown): FileConversation {
  const isChatGpt = typeof given === 'object' && given !== null && 'mapping' in given
  if (!isChatGpt) {
    const { data } = FileConversation.safeParse(given)
    if (!data) throw unreadable()
    return data
  }
  const { data } = ChatGptConversation.safeParse(given)
  if (!data) throw unreadable()
  const conversation = fromChatGpt(data, Date.now())
  if (conversation.messages.length === 0) throw empty()
  return conversation
}

function parse(json: string | null): unknown {
  try {
    return json === null ? null : JSON.parse(json)
  } catch {
    return null
  }
}

function titleOf(given: unknown): string {
  const title = typeof given === 'object' && given !== null && 'title' in given ? given.title : null
  return typeof title === 'string' ? storable(title.slice(0, 200)) : ''
}

const issuesOf = (skipped: readonly { title: string; problem: AppError }[]): InputIssue[] =>
  skipped.slice(0, 20).map(({ title, problem }, index) => {
    const detail = (locale: Locale, colon: string) =>
      `${title}${title ? colon : ''}${translateError(problem, locale)}`
    return { pointer: `/${index}`, detail: { en: detail('en', ': '), 'zh-CN': detail('zh-CN', '：') } }
  })

/** Null for what is refused for its content; other failures go on. */
async function unlessRefused<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (error instanceof AppError) return null
    throw error
  }
}

/** All texts of a row as PostgreSQL can hold them. */
const clean = <T extends object>(row: T): T =>
  Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, typeof value === 'string' ? storable(value) : value]),
  ) as T

/** In UTC. What no calendar has becomes now. */
function soundTime(text: string): string {
  const time = Date.parse(text)
  return new Date(time >= 0 && time < 4_102_444_800_000 ? time : Date.now()).toISOString()
}
