import { expect, vi } from 'vitest'
import type { TestApp } from '#core/testing/app.ts'
import {
  type AccessContext,
  type AccessRow,
  admins,
  type ModuleAccess,
  of,
  signedIn,
  signInAdmin,
  type TestUser,
  type Thing,
} from '#modules/identity/testing.ts'
import type { Batch } from './batches.ts'
import { redeemingAccess } from './redemption-access.ts'
import type { Template } from './templates.ts'

/** What a template of a dance says, without further ado. */
export const anyTemplate = {
  category: 'dance',
  name: '新年舞',
  attributes: { style: '街舞', difficulty: 2, duration_seconds: 90 },
  rarity: 'rare',
}

export type Answer<T> = { status: number; body: T; headers: Headers }

/** A client of the module: JSON in, JSON out. */
export function cardsClient(app: Pick<TestApp, 'fetch'>, who: Pick<TestUser, 'headers'> | null) {
  async function call<T = { code?: string }>(
    method: string,
    path: string,
    body?: object,
  ): Promise<Answer<T>> {
    const response = await app.fetch(`/api/v1/cards${path}`, {
      method,
      headers: { ...who?.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    return {
      status: response.status,
      body: (text === '' ? null : JSON.parse(text)) as T,
      headers: response.headers,
    }
  }
  async function made<T>(answer: Promise<Answer<T>>): Promise<T> {
    const { status, body } = await answer
    if (status > 299) throw new Error(`${status}: ${JSON.stringify(body)}`)
    return body
  }
  const client = {
    call,
    /** A published template; `content` replaces parts of `anyTemplate`. */
    async template(content: object = {}): Promise<Template> {
      const { id } = await made(call<Template>('POST', '/templates', { ...anyTemplate, ...content }))
      return made(call<Template>('PATCH', `/templates/${id}`, { state: 'published' }))
    },
    async batch(input: object = {}): Promise<Batch> {
      const template_id = 'template_id' in input ? input.template_id : (await client.template()).id
      return made(call<Batch>('POST', '/batches', { name: 'first run', quantity: 3, ...input, template_id }))
    },
    find: (id: string): Promise<Batch> => made(call<Batch>('GET', `/batches/${id}`)),
    /** A batch whose cards are there. */
    async ready(input: object = {}): Promise<Batch> {
      const { id } = await client.batch(input)
      await made(call('POST', `/batches/${id}/generate`))
      return vi.waitFor(
        async () => {
          const batch = await client.find(id)
          expect(batch.state).toBe('ready')
          return batch
        },
        { timeout: 60_000, interval: 50 },
      )
    },
    /** A batch whose cards can be redeemed. */
    async released(input: object = {}): Promise<Batch> {
      const { id } = await client.ready(input)
      return made(call<Batch>('POST', `/batches/${id}/release`))
    },
    async upload(
      bytes: Uint8Array<ArrayBuffer>,
      name = 'file',
    ): Promise<Answer<{ id: string; code?: string }>> {
      const form = new FormData()
      form.append('file', new Blob([bytes]), name)
      const response = await app.fetch('/api/v1/cards/files', {
        method: 'POST',
        headers: { ...who?.headers },
        body: form,
      })
      return {
        status: response.status,
        body: (await response.json()) as { id: string },
        headers: response.headers,
      }
    },
  }
  return client
}

export type CardsClient = ReturnType<typeof cardsClient>

export const signUpOperator = async (app: TestApp) => {
  const user = await signInAdmin(app)
  return { ...user, cards: cardsClient(app, user) }
}

/* For `src/access-matrix.test.ts`. */

const operator = ({ app, admin }: AccessContext) => cardsClient(app, admin)
const template: Thing = async (_, context) => (await operator(context).template()).id
const batch: Thing = async (_, context) => (await operator(context).batch()).id
const ready: Thing = async (_, context) => (await operator(context).ready({ quantity: 1 })).id
const released: Thing = async (_, context) => (await operator(context).released({ quantity: 1 })).id
const category: Thing = async (_, context) => {
  const name = `c${Math.random().toString(36).slice(2, 12)}`
  await operator(context).call('POST', '/categories', { name, ...anyCategory })
  return name
}
const anyCategory = {
  titles: { 'zh-CN': '宠物', en: 'Pet' },
  schema: { type: 'object', properties: {}, additionalProperties: false },
}
/** A picture that a published template shows. */
const picture: Thing = async (_, context) => {
  const { body } = await operator(context).upload(onePixel)
  await operator(context).template({ images: [body.id] })
  return body.id
}
/** Channels do not say why somebody may not listen. */
const adminsListen: AccessRow = { anonymous: 401, other: 404, outsider: 404, admin: 'ok', owner: 404 }

/** The smallest PNG. */
export const onePixel = new Uint8Array(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
)

const makingAccess: ModuleAccess = {
  routes: {
    'GET /api/v1/cards/categories': signedIn,
    'POST /api/v1/cards/categories': admins,
    'PUT /api/v1/cards/categories/:name': of(admins, category, anyCategory),
    'DELETE /api/v1/cards/categories/:name': of(admins, category),
    'GET /api/v1/cards/rarities': signedIn,
    'GET /api/v1/cards/memberships': admins,
    'GET /api/v1/cards/templates': admins,
    'POST /api/v1/cards/templates': admins,
    'GET /api/v1/cards/templates/:id': of(admins, template),
    'PUT /api/v1/cards/templates/:id': of(admins, template),
    'PATCH /api/v1/cards/templates/:id': of(admins, template, { state: 'archived' }),
    'GET /api/v1/cards/templates/:id/versions': of(admins, template),
    'POST /api/v1/cards/files': admins,
    'GET /api/v1/cards/files/:id/content': of(signedIn, picture),
    'GET /api/v1/cards/batches': admins,
    'POST /api/v1/cards/batches': admins,
    'POST /api/v1/cards/batch-sets': admins,
    'GET /api/v1/cards/batches/:id': of(admins, batch),
    'PATCH /api/v1/cards/batches/:id': of(admins, batch, { name: 'x' }),
    'DELETE /api/v1/cards/batches/:id': of(admins, batch),
    'POST /api/v1/cards/batches/:id/generate': of(admins, batch),
    'POST /api/v1/cards/batches/:id/release': of(admins, ready),
    'POST /api/v1/cards/batches/:id/freeze': of(admins, released),
    'POST /api/v1/cards/batches/:id/void': of(admins, batch),
    'DELETE /api/v1/cards/batches/:id/secret': of(admins, ready),
    'GET /api/v1/cards/batches/:id/codes.csv': of(admins, ready),
    'GET /api/v1/cards/batches/:id/sheets.pdf': of(admins, ready),
    'GET /api/v1/cards/batches/:id/sheets.zip': of(admins, ready),
    'GET /api/v1/cards/batches/:id/sheet-plan': of(admins, batch),
    'GET /api/v1/cards/batches/:id/cards/:number/qr.png': of(admins, ready),
    'GET /api/v1/cards/batches/:id/exports': of(admins, batch),
  },
  channels: {
    'cards.batch.:id': of(adminsListen, batch),
  },
}

const { routes: redeemingRoutes } = redeemingAccess(
  async context => (await operator(context).released({ quantity: 1 })).id,
)

/** Who may do what here. */
export const access: ModuleAccess = {
  routes: { ...makingAccess.routes, ...redeemingRoutes },
  channels: { ...makingAccess.channels },
}
