import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { contentDisposition } from '#core/http/download.ts'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Export, type Exports, type Outgoing, SheetPlan } from '../export/exports.ts'
import { SheetOptions } from '../export/sheet-layout.ts'

const base = '/api/v1/cards/batches/:id'
const access = 'cards.exports.create'
const Id = z.object({ id: z.uuid() })
const RangeQuery = z.object({
  from: z.int().min(1).max(1_000_000).default(1).describe('Number of the first card.'),
  to: z.int().min(1).max(1_000_000).optional().describe('Number of the last card.'),
})
const SheetQuery = SheetOptions.extend(RangeQuery.shape)

export function exportRoutes(router: Router, exports: Exports): void {
  router.route({
    method: 'GET',
    path: `${base}/codes.csv`,
    access,
    summary: 'The codes of a batch as CSV; noted in the record of exports',
    params: Id,
    query: RangeQuery.extend({
      bom: z.boolean().default(true).describe('Lets Excel know that it is UTF-8.'),
    }),
    raw: true,
    handler: async ({ actor, params, query: { bom, from, to }, reply }) =>
      send(reply, await exports.csv(actor, params.id, { bom, from, to })),
  })
  router.route({
    method: 'GET',
    path: `${base}/sheets.pdf`,
    access,
    summary: 'Print sheets with QR codes as PDF; noted in the record of exports',
    params: Id,
    query: SheetQuery,
    raw: true,
    handler: async ({ actor, params, query: { from, to, ...options }, reply }) =>
      send(reply, await exports.pdf(actor, params.id, options, { from, to })),
  })
  router.route({
    method: 'GET',
    path: `${base}/sheets.zip`,
    access,
    summary: 'Print sheets with QR codes as a ZIP of SVG or PDF files; noted in the record of exports',
    params: Id,
    query: SheetQuery.extend({
      format: z
        .enum(['svg', 'pdf'])
        .default('svg')
        .describe(
          'An SVG for each sheet, or PDFs of many sheets, which are named by the numbers of their cards.',
        ),
    }),
    raw: true,
    handler: async ({ actor, params, query: { from, to, ...options }, reply }) =>
      send(reply, await exports.zip(actor, params.id, options, { from, to })),
  })
  router.route({
    method: 'GET',
    path: `${base}/sheet-plan`,
    access,
    summary: 'What print sheets will look like, without any code',
    params: Id,
    query: SheetQuery,
    response: SheetPlan,
    handler: ({ params, query: { from, to, ...options } }) => exports.plan(params.id, options, { from, to }),
  })
  router.route({
    method: 'GET',
    path: `${base}/cards/:number/qr.png`,
    access,
    summary: 'The QR code of one card as PNG; noted in the record of exports',
    params: Id.extend({ number: z.int().min(1).max(1_000_000) }),
    query: z.object({ scale: z.int().min(1).max(40).default(8).describe('Pixels of a module.') }),
    raw: true,
    handler: async ({ actor, params: { id, number }, query: { scale }, reply }) =>
      send(reply, await exports.png(actor, id, number, scale)),
  })
  router.route({
    method: 'GET',
    path: `${base}/exports`,
    access,
    summary: 'Who exported codes of a batch, newest first',
    params: Id,
    query: PageQuery,
    response: pageOf(Export),
    handler: ({ params, query }) => exports.list(params.id, query),
  })
}

function send(reply: FastifyReply, { name, media_type, stream, settle }: Outgoing) {
  reply.raw.once('close', () => void settle(reply.raw.writableFinished))
  return reply
    .headers({
      'content-type': media_type,
      'content-disposition': contentDisposition('attachment', name),
      'cache-control': 'no-store',
    })
    .send(stream)
}
