import { z } from 'zod'
import { pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Folder, type Folders } from '../folders.ts'

const base = '/api/v1/chat/folders'
const access = 'chat.use'
const params = z.object({ id: z.uuid() })
const Name = z.string().max(100).regex(/\S/)
const Position = z.int().min(0).max(1_000_000)

export function folderRoutes(router: Router, folders: Folders) {
  router.route({
    method: 'GET',
    path: base,
    access,
    summary: 'All own folders, in their order',
    response: pageOf(Folder),
    handler: async ({ actor }) => ({ items: await folders.list(actor), next_cursor: null }),
  })
  router.route({
    method: 'POST',
    path: base,
    access,
    summary: 'Make a folder',
    idempotent: true,
    body: z.object({ name: Name, position: Position.optional() }),
    response: Folder,
    status: 201,
    handler: ({ actor, body }) => folders.create(actor, body),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/:id`,
    access,
    summary: 'Rename or move a folder',
    params,
    body: z.object({ name: Name.optional(), position: Position.optional() }),
    response: Folder,
    handler: ({ actor, params: { id }, body }) => folders.update(actor, id, body),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/:id`,
    access,
    summary: 'Delete a folder; the conversations in it stay',
    params,
    handler: ({ actor, params: { id } }) => folders.remove(actor, id),
  })
}
