import { expect } from 'vitest'
import type { Locale } from '#core/errors.ts'
import type { TestApp } from '#core/testing/app.ts'
import { englishSentence } from '#core/testing/hostile-input.ts'
import type { TestUser } from '#modules/identity/testing.ts'

type Issue = { pointer: string; detail: string }
export type Problem = { status: number; code: string; detail: string; errors: Issue[] }
export type Asker = { app: TestApp; who: TestUser }

export async function ask({ app, who }: Asker, locale: Locale, method: string, path: string, json?: unknown) {
  const response = await app.fetch(path, {
    method,
    headers: {
      ...who.headers,
      'accept-language': locale,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(json === undefined ? {} : { body: typeof json === 'string' ? json : JSON.stringify(json) }),
  })
  return { status: response.status, problem: (await response.json()) as Problem }
}

/** What is said in both languages about one place, and about every other that each is whole. */
export async function complaint(asker: Asker, at: string, method: string, path: string, json?: unknown) {
  const texts: string[] = []
  let told = { status: 0, code: '' }
  for (const locale of ['en', 'zh-CN'] as const) {
    const { status, problem } = await ask(asker, locale, method, path, json)
    told = { status, code: problem.code }
    for (const { detail } of [...(problem.errors ?? []), problem]) {
      if (locale === 'en') expect(detail).toMatch(/^[“A-Z][^\p{Script=Han}]*\.$/u)
      else {
        expect(detail).toMatch(/\p{Script=Han}.*。$/u)
        expect(detail).not.toMatch(englishSentence)
      }
    }
    const found = problem.errors?.filter(({ pointer }) => pointer === at).map(({ detail }) => detail)
    texts.push(found?.join(' | ') ?? 'no list')
  }
  return { ...told, texts }
}

const template = {
  category: 'dance',
  name: 'A',
  description: '',
  images: [],
  attributes: { style: 'Tango', difficulty: 1, duration_seconds: 60 },
  rarity: 'common',
  rewards: {},
}
export const templates = (changes: object) =>
  ['POST', '/api/v1/cards/templates', { ...template, ...changes }] as const
