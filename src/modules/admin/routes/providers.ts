import { z } from 'zod'
import type { Ai } from '#core/ai/ai.ts'
import type { ProviderView } from '#core/ai/provider-admin.ts'
import { translateError } from '#core/errors.ts'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { pageOfList } from '../page.ts'

const Provider = z
  .object({
    id: z.string(),
    kind: z.string().describe('Id of a kind, see /admin/providers/kinds.'),
    name: z.string(),
    base_url: z.string(),
    source: z
      .enum(['env', 'admin'])
      .describe('`env`: set up by environment variables, cannot be changed here.'),
    is_enabled: z.boolean(),
    keys: z
      .array(z.object({ id: z.string(), last_four: z.string(), weight: z.number() }))
      .describe('Keys are write-only.'),
    circuit: z
      .enum(['closed', 'open'])
      .describe('`open`: it failed several times and is left alone for a while.'),
    resting_keys: z.array(z.string()).describe('Ids of keys that were refused or used too often.'),
  })
  .meta({ id: 'Provider' })

const Kind = z
  .object({
    id: z.string(),
    name: z.string(),
    base_url: z.string().nullable().describe('Null: the operator must give one.'),
    takes_key: z.boolean(),
    models: z.array(z.string()).describe('Empty: whatever the server lists.'),
  })
  .meta({ id: 'ProviderKind' })

const Id = z.object({ id: z.string().min(1).max(100) })
const ApiKey = z.string().min(1).max(1000)
const BaseUrl = z.string().max(500)
const Name = z.string().max(100).regex(/\S/)
const access = 'admin.providers.manage'
const path = '/api/v1/admin/providers'

/** Model providers: what is set up, their keys, and whether they answer. */
export function providerRoutes(router: Router, { providers }: Ai): void {
  const withState = (view: ProviderView) => {
    const state = providers.states().find(({ provider_id }) => provider_id === view.id)
    return {
      ...view,
      circuit: state?.circuit ?? ('closed' as const),
      resting_keys: state?.resting_keys ?? [],
    }
  }

  router.route({
    method: 'GET',
    path: `${path}/kinds`,
    access,
    summary: 'Kinds of providers that can be set up',
    response: z.object({ items: z.array(Kind) }),
    handler: () => ({
      items: providers.presets().map(({ id, name, base_url, key_env, models }) => ({
        id,
        name,
        base_url,
        takes_key: key_env !== null,
        models: models.map(model => model.upstream_model),
      })),
    }),
  })

  router.route({
    method: 'GET',
    path,
    access,
    summary: 'Providers that are set up, by environment or here',
    query: PageQuery,
    response: pageOf(Provider),
    handler: async ({ query }) => pageOfList((await providers.list()).map(withState), query),
  })

  router.route({
    method: 'POST',
    path,
    access,
    summary: 'Set up a provider; its models are there at once',
    body: z.object({
      kind: z.string().max(50),
      name: Name.optional(),
      base_url: BaseUrl.optional(),
      api_key: ApiKey.optional(),
    }),
    response: Provider,
    status: 201,
    idempotent: true,
    handler: async ({ body }) => withState(await providers.create(body)),
  })

  router.route({
    method: 'POST',
    path: `${path}/test`,
    access,
    rate: 'ai',
    summary: 'Whether a provider answers: one that is set up (`id`), or settings that are not yet (`kind` …)',
    body: z.union([
      z.object({ id: z.string().min(1).max(100) }),
      z.object({ kind: z.string().max(50), base_url: BaseUrl.optional(), api_key: ApiKey.optional() }),
    ]),
    response: z.object({
      ok: z.boolean(),
      latency_ms: z.int(),
      models: z.array(z.string()),
      error: z.string().nullable(),
      error_code: z.string().nullable(),
    }),
    async handler({ body, signal, locale }) {
      const { error, ...result } = await providers.test(body, signal)
      return {
        ...result,
        ok: error === null,
        error: error && translateError(error, locale),
        error_code: error?.code ?? null,
      }
    },
  })

  router.route({
    method: 'GET',
    path: `${path}/:id`,
    access,
    summary: 'One provider',
    params: Id,
    response: Provider,
    handler: async ({ params }) => withState(await providers.get(params.id)),
  })

  router.route({
    method: 'PATCH',
    path: `${path}/:id`,
    access,
    summary: 'Change a provider. A new address needs the key again; `api_key` replaces all keys.',
    params: Id,
    body: z.object({
      name: Name.optional(),
      base_url: BaseUrl.optional(),
      is_enabled: z.boolean().optional(),
      api_key: ApiKey.optional(),
    }),
    response: Provider,
    handler: async ({ params, body }) => withState(await providers.update(params.id, body)),
  })

  router.route({
    method: 'DELETE',
    path: `${path}/:id`,
    access,
    summary: 'Remove a provider, its keys and its models',
    params: Id,
    handler: ({ params }) => providers.delete(params.id),
  })

  router.route({
    method: 'POST',
    path: `${path}/:id/keys`,
    access,
    summary: 'Add a key: a provider’s keys take turns by weight',
    params: Id,
    body: z.object({ api_key: ApiKey, weight: z.int().min(1).max(100).default(1) }),
    response: Provider,
    status: 201,
    handler: async ({ params, body }) =>
      withState(await providers.addKey(params.id, body.api_key, body.weight)),
  })

  router.route({
    method: 'DELETE',
    path: `${path}/:id/keys/:key_id`,
    access,
    summary: 'Remove a key',
    params: Id.extend({ key_id: z.string().max(100) }),
    response: Provider,
    handler: async ({ params }) => withState(await providers.deleteKey(params.id, params.key_id)),
  })
}
