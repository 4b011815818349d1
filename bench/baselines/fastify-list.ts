/** A bare Fastify route: the same query with `pg`, tuned as its users would: a pool, a named statement, a response schema. */
import { fastify } from 'fastify'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
const nullable = (type: string) => ({ type: [type, 'null'] })
const item = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    title: nullable('string'),
    bot_id: nullable('string'),
    model: nullable('string'),
    folder_id: nullable('string'),
    is_archived: { type: 'boolean' },
    is_pinned: { type: 'boolean' },
    is_temporary: { type: 'boolean' },
    current_message_id: nullable('string'),
    created_at: { type: 'string' },
    updated_at: { type: 'string' },
    last_message_at: { type: 'string' },
  },
}
const text = `SELECT id, title, bot_id, model, folder_id, is_archived, is_pinned, is_temporary, current_message_id,
  created_at, updated_at, last_message_at
  FROM chat_conversation
  WHERE user_id = $1 AND deleted_at IS NULL AND is_archived = false AND is_temporary = false
    AND (is_pinned, last_message_at, id) < (false, $2::timestamptz, $3::uuid)
  ORDER BY is_pinned DESC, last_message_at DESC, id DESC LIMIT 21`

const server = fastify()
server.get('/health', () => 'ok')
server.get<{ Params: { user: string }; Querystring: { before: string; id: string } }>(
  '/users/:user/conversations',
  {
    schema: {
      response: {
        200: {
          type: 'object',
          properties: { items: { type: 'array', items: item }, next_cursor: nullable('string') },
        },
      },
    },
  },
  async request => {
    const { before, id } = request.query
    const { rows } = await pool.query({ name: 'list', text, values: [request.params.user, before, id] })
    return { items: rows.slice(0, 20), next_cursor: rows.length > 20 ? rows[19].id : null }
  },
)
await server.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
process.on('SIGTERM', () => process.exit(0))
