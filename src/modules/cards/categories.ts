import type { ValidateFunction } from 'ajv'
import type { Kysely, Selectable } from 'kysely'
import { z } from 'zod'
import { type Db, databaseErrorCode } from '#core/db/db.ts'
import { checkSchema, compileSchema, type ObjectNode } from './category-schema.ts'
import { CategoryTitles } from './contract.ts'
import {
  categoryBuiltin,
  categoryExists,
  categoryInUse,
  categoryNotFound,
  categorySchemaInvalid,
} from './errors.ts'
import type { CardsTables } from './tables.ts'

/** A kind of card, as data: its JSON Schema says which attributes the templates have, and the form is made from it. */
export const Category = z
  .object({
    name: z.string(),
    titles: CategoryTitles,
    schema: z.record(z.string(), z.unknown()).describe('JSON Schema of the attributes.'),
    is_builtin: z.boolean(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'CardsCategory' })
export type Category = z.output<typeof Category>

type CategoryInput = { titles: CategoryTitles; schema: Record<string, unknown> }
type Rows = Kysely<CardsTables>

const foreignKeyViolation = '23503'
const mostValidators = 200

export type Categories = ReturnType<typeof createCategories>

export function createCategories(deps: { db: Db }) {
  const db = deps.db.withTables<CardsTables>()
  const validators = new Map<string, ValidateFunction>()

  async function find(tx: Rows, name: string): Promise<Category> {
    const row = await tx.selectFrom('cards_category').selectAll().where('name', '=', name).executeTakeFirst()
    if (!row) throw categoryNotFound()
    return view(row)
  }

  return {
    async list(): Promise<{ items: Category[] }> {
      const rows = await db.primary
        .selectFrom('cards_category')
        .selectAll()
        .orderBy('is_builtin', 'desc')
        .orderBy('created_at')
        .orderBy('name')
        .limit(1000)
        .execute()
      return { items: rows.map(view) }
    },

    find: (name: string) => find(db.primary, name),

    /** @throws AppError `category.schema_invalid`, `category.exists` */
    async create({ name, titles, schema }: CategoryInput & { name: string }): Promise<Category> {
      const row = await db.primary
        .insertInto('cards_category')
        .values({ name, titles: JSON.stringify(titles), schema: JSON.stringify(usable(schema)) })
        .onConflict(conflict => conflict.doNothing())
        .returningAll()
        .executeTakeFirst()
      if (!row) throw categoryExists({ name })
      return view(row)
    },

    /**
     * Templates that exist keep what they say; the new schema counts from their next version on.
     * @throws AppError `category.not_found`, `category.builtin`, `category.schema_invalid`
     */
    async update(name: string, { titles, schema }: CategoryInput): Promise<Category> {
      const text = JSON.stringify(usable(schema))
      return db.transaction(async tx => {
        await changeable(tx, name)
        const row = await tx
          .updateTable('cards_category')
          .set({ titles: JSON.stringify(titles), schema: text, updated_at: new Date().toISOString() })
          .where('name', '=', name)
          .returningAll()
          .executeTakeFirstOrThrow()
        return view(row)
      })
    },

    /** @throws AppError `category.not_found`, `category.builtin`, `category.in_use` */
    async remove(name: string): Promise<void> {
      try {
        await db.transaction(async tx => {
          await changeable(tx, name)
          await tx.deleteFrom('cards_category').where('name', '=', name).execute()
        })
      } catch (error) {
        if (databaseErrorCode(error) === foreignKeyViolation) throw categoryInUse({}, { cause: error })
        throw error
      }
    },

    /** The validator of a category's attributes, kept for as long as its schema stays the same. */
    validator(category: Category): ValidateFunction {
      const key = `${category.name} ${category.updated_at}`
      const known = validators.get(key)
      if (known) return known
      if (validators.size >= mostValidators) validators.clear()
      const validator = compileSchema(category.schema as ObjectNode)
      validators.set(key, validator)
      return validator
    },
  }

  async function changeable(tx: Rows, name: string): Promise<void> {
    const { is_builtin } = await find(tx, name)
    if (is_builtin) throw categoryBuiltin()
  }
}

function usable(schema: unknown): ObjectNode {
  const checked = checkSchema(schema)
  if (!checked.schema) throw categorySchemaInvalid({}, { issues: checked.issues })
  return checked.schema
}

const view = (row: Selectable<CardsTables['cards_category']>): Category => row
