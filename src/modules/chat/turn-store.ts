import { type Kysely, type Selectable, sql } from 'kysely'
import type { ChatTables, TurnKind, TurnRequest, TurnState } from './tables.ts'

type Rows = Kysely<ChatTables>

export type Turn = Omit<Selectable<ChatTables['chat_turn']>, 'request'> & { request: TurnRequest }

const live = ['queued', 'running'] as const

/** Seconds for which an owner may be silent before its turns count as interrupted. */
const leaseSeconds = 20
const lease = sql<string>`now() + make_interval(secs => ${leaseSeconds})`

/** The queries of turns. A turn belongs to one process, which renews its lease; writes of any other do not count. */
export const turnStore = {
  byClientId: (db: Rows, userId: string, clientMessageId: string): Promise<Turn | undefined> =>
    db
      .selectFrom('chat_turn')
      .selectAll()
      .where('user_id', '=', userId)
      .where('client_message_id', '=', clientMessageId)
      .executeTakeFirst(),

  /**
   * Returns false, and inserts nothing, when the client id was used before or another turn is writing the same
   * answer.
   */
  async insert(
    tx: Rows,
    row: {
      id: string
      user_id: string
      conversation_id: string
      message_id: string
      client_message_id: string
      kind: TurnKind
      state: 'queued' | 'running'
      request: TurnRequest
      owner: string
    },
  ): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('chat_turn')
      .values({ ...row, request: JSON.stringify(row.request), lease_until: lease })
      .onConflict(conflict => conflict.doNothing())
      .executeTakeFirst()
    return (numInsertedOrUpdatedRows ?? 0n) > 0n
  },

  async setRunning(db: Rows, id: string, owner: string): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('chat_turn')
      .set({ state: 'running', lease_until: lease })
      .where('id', '=', id)
      .where('owner', '=', owner)
      .where('state', '=', 'queued')
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },

  /** Stores the text so far. False: the turn is no longer this owner's, and nothing was written. */
  async checkpoint(
    db: Rows,
    turn: { id: string; message_id: string },
    owner: string,
    text: { content: string; reasoning: string | null },
  ): Promise<boolean> {
    const { numAffectedRows } = await sql`
      UPDATE chat_message m SET content = ${text.content}, reasoning = ${text.reasoning}
      FROM chat_turn t
      WHERE m.id = ${turn.message_id} AND t.id = ${turn.id} AND t.owner = ${owner} AND t.state IN ('queued', 'running')
      `.execute(db)
    return (numAffectedRows ?? 0n) > 0n
  },

  /** Ends a live turn. False: somebody else has ended it. */
  async end(
    tx: Rows,
    id: string,
    owner: string,
    state: Exclude<TurnState, 'queued' | 'running'>,
  ): Promise<boolean> {
    const { numUpdatedRows } = await tx
      .updateTable('chat_turn')
      .set({ state, finished_at: sql<string>`now()` })
      .where('id', '=', id)
      .where('owner', '=', owner)
      .where('state', 'in', live)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },

  /** Renews the leases of turns that an owner is writing, and tells which it still has and which should stop. */
  renew: (
    db: Rows,
    owner: string,
    ids: readonly string[],
  ): Promise<{ id: string; stop_requested: boolean }[]> =>
    db
      .updateTable('chat_turn')
      .set({ lease_until: lease })
      .where('id', '=', sql<string>`ANY(${[...ids]}::uuid[])`)
      .where('owner', '=', owner)
      .where('state', 'in', live)
      .returning(['id', 'stop_requested'])
      .execute(),

  /** Marks live turns whose owner fell silent as interrupted, up to `limit`, and returns them. */
  async reap(tx: Rows, limit: number): Promise<Turn[]> {
    return tx
      .updateTable('chat_turn')
      .set({ state: 'interrupted', finished_at: sql<string>`now()` })
      .where('id', 'in', inner =>
        inner
          .selectFrom('chat_turn')
          .select('id')
          .where('state', 'in', live)
          .where('lease_until', '<', sql<string>`now()`)
          .limit(limit)
          .forUpdate()
          .skipLocked(),
      )
      .returningAll()
      .execute()
  },

  /** Notes the wish to stop on the live turns of an answer or a whole conversation, and returns them. */
  requestStop: (
    db: Rows,
    of: { message_id: string } | { conversation_id: string },
  ): Promise<{ id: string }[]> =>
    db
      .updateTable('chat_turn')
      .set({ stop_requested: true })
      .where(({ and }) => and(of))
      .where('state', 'in', live)
      .returning('id')
      .execute(),
}
