import { isDeepStrictEqual } from 'node:util'
import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import type { InputIssue } from '#core/errors.ts'
import { inputIssues } from '#core/http/input-issues.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import { type Billing, freePlan } from '#modules/billing/contract.ts'
import type { Categories, Category } from './categories.ts'
import { filesIn, type ObjectNode } from './category-schema.ts'
import { TemplateContent } from './contract.ts'
import { templateChanged, templateInvalid, templateNotFound } from './errors.ts'
import type { CardsTables } from './tables.ts'
import {
  type JoinedRow,
  type TemplateFilter,
  type TemplateState,
  templateStore,
  type VersionRow,
} from './template-store.ts'

/** What a card stands for, in its newest version. */
export const Template = TemplateContent.required()
  .extend({
    id: z.uuid(),
    category: z.string(),
    state: z.enum(['draft', 'published', 'archived']),
    version: z.int(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'CardsTemplate' })
export type Template = z.output<typeof Template>

export const TemplateVersion = TemplateContent.required()
  .extend({ version: z.int(), created_at: z.string() })
  .meta({ id: 'CardsTemplateVersion' })
export type TemplateVersion = z.output<typeof TemplateVersion>

/** A plan of which a card may give days. */
export const Membership = z.object({
  id: z.string(),
  names: z.object({ 'zh-CN': z.string(), en: z.string() }),
})
export type Membership = z.output<typeof Membership>

type Rows = Kysely<CardsTables>
type ListQuery = Omit<TemplateFilter, 'before'> & { cursor?: string | undefined }

const longestAttributes_chars = 32_000
const contentKeys = Object.keys(TemplateContent.shape) as (keyof TemplateContent)[]

export type Templates = ReturnType<typeof createTemplates>

export function createTemplates(deps: { db: Db; clock: Clock; categories: Categories; billing: Billing }) {
  const { clock, categories, billing } = deps
  const db = deps.db.withTables<CardsTables>()

  /** The files that a content names. @throws AppError `template.invalid` with a pointer to each mistake */
  async function check(tx: Rows, category: Category, content: TemplateContent): Promise<string[]> {
    const validate = categories.validator(category)
    const { attributes } = content
    const issues: InputIssue[] = []
    const files: { id: string; kind: string; pointer: string }[] = content.images.map((id, at) => ({
      id,
      kind: 'image',
      pointer: `/images/${at}`,
    }))
    if (JSON.stringify(attributes).length > longestAttributes_chars)
      issues.push({ pointer: '/body/attributes', detail: texts.tooLong })
    else if (!validate(attributes)) issues.push(...inputIssues(validate.errors ?? [], 'body/attributes'))
    else files.push(...filesIn(category.schema as ObjectNode, attributes, '/attributes'))
    const plan = content.rewards.membership?.plan
    if (plan !== undefined && !(await memberships()).some(({ id }) => id === plan))
      issues.push({ pointer: '/body/rewards/membership/plan', detail: texts.noPlan })
    const known = await kindsOf(
      tx,
      files.map(file => file.id),
    )
    for (const { id, kind, pointer } of files)
      if (known.get(id) !== kind) issues.push({ pointer: `/body${pointer}`, detail: texts.noFile })
    if (issues.length > 0) throw templateInvalid({}, { issues })
    return [...new Set(files.map(file => file.id))]
  }

  /** The plans of which a card may give days. */
  const memberships = async () => (await billing.plans()).filter(({ id }) => id !== freePlan)

  async function find(tx: Rows, id: string): Promise<Template> {
    const row = await templateStore.find(tx, id)
    if (!row) throw templateNotFound()
    return view(row)
  }

  return {
    find: (id: string) => find(db.primary, id),

    async list(actor: Actor, { cursor, ...filter }: ListQuery): Promise<Page<Template>> {
      const [before] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [null]
      const found = await db.read(actor.user_id, rows =>
        templateStore.list(rows, { ...filter, before, limit: filter.limit + 1 }),
      )
      return pageFrom(found.map(view), filter.limit, template => [template.id])
    },

    /** @throws AppError `category.not_found`, `template.invalid` */
    async create(actor: Actor, { category: name, ...content }: TemplateContent & { category: string }) {
      const category = await categories.find(name)
      return db.transaction(async tx => {
        const file_ids = await check(tx, category, content)
        const id = newId()
        await templateStore.insert(tx, { id, category: name })
        const version = { ...content, template_id: id, version: 1, file_ids, created_by: actor.user_id }
        await templateStore.insertVersion(tx, version)
        return find(tx, id)
      })
    },

    /**
     * Stores a new version, unless nothing changed. Cards of earlier versions keep what they say.
     * @throws AppError `template.not_found`, `template.invalid`, `template.changed` when `base_version` is not the newest
     */
    async update(
      actor: Actor,
      id: string,
      { base_version, ...content }: TemplateContent & { base_version: number },
    ): Promise<Template> {
      const category = await categories.find((await find(db.primary, id)).category)
      return db.transaction(async tx => {
        const locked = await templateStore.lock(tx, id)
        if (locked?.version !== base_version) throw templateChanged({ version: locked?.version ?? 0 })
        const now = await find(tx, id)
        if (contentKeys.every(key => isDeepStrictEqual(now[key], content[key]))) return now
        const file_ids = await check(tx, category, content)
        const version = base_version + 1
        await templateStore.insertVersion(tx, {
          ...content,
          template_id: id,
          version,
          file_ids,
          created_by: actor.user_id,
        })
        await templateStore.change(tx, id, { version, updated_at: new Date(clock.now()).toISOString() })
        return find(tx, id)
      })
    },

    /** @throws AppError `template.not_found` */
    async setState(id: string, state: TemplateState): Promise<Template> {
      const updated_at = new Date(clock.now()).toISOString()
      if (!(await templateStore.change(db.primary, id, { state, updated_at }))) throw templateNotFound()
      return find(db.primary, id)
    },

    /** @throws AppError `template.not_found` */
    async versions(id: string, { limit, cursor }: { limit: number; cursor?: string | undefined }) {
      await find(db.primary, id)
      const [before] = decodeCursor(cursor, z.tuple([z.int32()])) ?? [null]
      const rows = await templateStore.versions(db.primary, id, before, limit + 1)
      return pageFrom(rows.map(versionView), limit, row => [row.version])
    },

    setSizes: () => templateStore.setSizes(db.primary),

    async templateNames(ids: readonly string[]): Promise<Map<string, string>> {
      if (ids.length === 0) return new Map()
      return new Map((await templateStore.names(db.primary, ids)).map(({ id, name }) => [id, name]))
    },

    async memberships(): Promise<{ items: Membership[] }> {
      return { items: (await memberships()).map(({ id, names }) => ({ id, names })) }
    },
  }
}

const texts = {
  tooLong: {
    en: `The attributes are longer than ${longestAttributes_chars} characters.`,
    'zh-CN': `属性内容超过了 ${longestAttributes_chars} 个字符。`,
  },
  noPlan: { en: 'There is no such plan.', 'zh-CN': '没有这个会员方案。' },
  noFile: {
    en: 'There is no such file of this kind. Upload it again.',
    'zh-CN': '没有这个文件，或文件类型不符，请重新上传。',
  },
}

async function kindsOf(tx: Rows, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await tx
    .selectFrom('cards_file')
    .select(['id', 'kind'])
    .where('id', 'in', ids)
    .forShare()
    .execute()
  return new Map(rows.map(({ id, kind }) => [id, kind]))
}

const view = ({ created_by: _, ...row }: JoinedRow): Template => row
const versionView = ({
  template_id: _,
  file_ids: _files,
  created_by: _by,
  ...row
}: VersionRow): TemplateVersion => row
