import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDb } from '#core/testing/database.ts'
import { searchQuery, searchVector } from './search.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
beforeAll(async () => {
  database = await createTestDb([])
})
afterAll(() => database.drop())

/** Whether PostgreSQL finds the text by the query; both belong to the scope `me` unless told. */
async function finds(text: string, query: string, scope = 'me'): Promise<boolean> {
  const asked = searchQuery(scope, query)
  if (!asked) return false
  const { rows } = await sql<{ found: boolean }>`
    SELECT ${searchVector('me', { body: text })} @@ ${asked.tsquery} AS found`.execute(database.db.primary)
  return rows[0]?.found ?? false
}

const chinese = fc
  .array(
    fc.constantFrom(
      ...'的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动𠀀𠮷',
    ),
    {
      minLength: 2,
      maxLength: 60,
    },
  )
  .map(letters => letters.join(''))

test('any two neighbouring Chinese characters find the text', async () => {
  await fc.assert(
    fc.asyncProperty(chinese, fc.nat(), async (text, seed) => {
      const characters = [...text]
      const at = seed % (characters.length - 1)
      expect(await finds(`前文，${text}。hello`, characters.slice(at, at + 2).join(''))).toBe(true)
    }),
    { numRuns: 150 },
  )
})

test('any substring that begins at a word finds the text, and is highlighted without changing it', async () => {
  const piece = fc.oneof(
    chinese,
    fc.constantFrom('Hello', 'naïve', 'ＡＩ', 'GPT4', '、', ' ', '😀', "it's \\ 'quoted'"),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 8 }), async pieces => {
      const text = pieces.join(' ')
      for (const query of pieces) {
        const asked = searchQuery('me', query)
        if (!asked) continue
        expect(await finds(text, query)).toBe(true)
        const marked = asked.highlight(text, 10_000)
        expect(marked).toContain('\u0001')
        expect(marked?.replaceAll('\u0001', '').replaceAll('\u0002', '')).toBe(text)
      }
    }),
    { numRuns: 60 },
  )
})

test('what is not there is not found', async () => {
  expect(await finds('机器学习很有意思', '学机')).toBe(false)
  expect(await finds('机器学习很有意思', '机器 天气')).toBe(false)
  expect(await finds('program', 'gram')).toBe(false)
  expect(await finds('机器学习', '机器', 'somebody else')).toBe(false)
  expect(searchQuery('me', '，。!?')).toBeNull()
})

test('one letter finds every text that has it, the last letter of a sentence too', async () => {
  for (const letter of '机器学习') expect(await finds('机器学习', letter)).toBe(true)
  expect(await finds('我在学 TypeScript', 'type')).toBe(true)
  expect(await finds('我在学TypeScript', 'typescript')).toBe(true)
  expect(await finds('ＧＰＴ 模型', 'gpt')).toBe(true)
})

test('a user cannot reach another scope by naming it', async () => {
  expect(await finds('secret', ':me secret', 'you')).toBe(false)
})

test('highlights mark each hit, keep the piece short and never forge a mark', () => {
  const text = `${'前'.repeat(500)}机器学习${'后'.repeat(500)}`
  const marked = searchQuery('me', '器学')?.highlight(text)
  expect(marked).toContain('前机\u0001器学\u0002习后')
  expect(marked?.length).toBeLessThan(200)
  expect(searchQuery('me', '机')?.highlight('机器')).toBe('\u0001机\u0002器')
  expect(searchQuery('me', 'word')?.highlight('a \u0001fake\u0002 word')).toBe('a  fake  \u0001word\u0002')
  expect(searchQuery('me', 'x')?.highlight('nothing')).toBeNull()
})

test('a very long text is indexed and ranks titles first', async () => {
  const long = '很长的文字 with words '.repeat(20_000)
  expect(await finds(long, '长的')).toBe(true)
  const rank = async (texts: { title?: string; body?: string }) => {
    const asked = searchQuery('me', '天气')
    if (!asked) throw new Error('no query')
    const { rows } = await sql<{ rank: number }>`
      SELECT ts_rank(${searchVector('me', texts)}, ${asked.tsquery}) AS rank`.execute(database.db.primary)
    return rows[0]?.rank ?? 0
  }
  expect(await rank({ title: '今天天气' })).toBeGreaterThan(await rank({ body: '今天天气' }))
})
