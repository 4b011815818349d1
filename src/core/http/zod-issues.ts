import type { z } from 'zod'
import type { InputIssue, Texts } from '#core/errors.ts'
import { escapePointer } from './input-issues.ts'
import { formatNoun, isInvalid, isRequired, mustBe, sentences, typeNouns, valueNouns } from './input-texts.ts'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/**
 * What is wrong with `input`, for its reader, where zod itself read it and not a route's schema: in the sentences of
 * `input-texts.ts`, and as deep as the choice of a union that was meant.
 */
export function zodIssues(error: z.ZodError, input: unknown, part = ''): InputIssue[] {
  const issues = error.issues.flatMap(issue => told(issue, [], input))
  return issues.map(({ path, detail }) => ({ pointer: `${part}${pointerOf(path)}`, detail }))
}

const pointerOf = (path: Path): string => path.map(key => `/${escapePointer(String(key))}`).join('')

function told(issue: Issue, above: Path, input: unknown): { path: Path; detail: Texts }[] {
  const path = [...above, ...issue.path]
  if (valueAt(input, path) === undefined) return [{ path, detail: isRequired }]
  if (issue.code === 'invalid_union') {
    if ('options' in issue && issue.options)
      return [{ path, detail: sentence('enum', { allowedValues: issue.options }) }]
    const meant = issue.errors
      .filter(choice => !choice.some(isKind))
      .sort((one, other) => one.length - other.length)[0]
    if (meant) return meant.flatMap(inner => told(inner, path, input))
    const nouns = issue.errors.flatMap(choice => choice.filter(isKind).flatMap(nounsOf))
    return [{ path, detail: nouns.length > 0 ? mustBe(...nouns) : isInvalid }]
  }
  return [{ path, detail: textOf(issue) }]
}

/** Whether a choice of a union was not meant: the value is of another kind altogether. */
const isKind = ({ code, path }: Issue): boolean =>
  path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')

const types: Record<string, string> = { int: 'integer', record: 'object' }

function nounsOf(issue: Issue): Texts[] {
  if (issue.code === 'invalid_type') return typeNouns(types[issue.expected] ?? issue.expected)
  return issue.code === 'invalid_value' ? valueNouns(issue.values) : []
}

function textOf(issue: Issue): Texts {
  switch (issue.code) {
    case 'invalid_type':
      return mustBe(...nounsOf(issue))
    case 'invalid_value':
      return issue.values.length === 1
        ? mustBe(...nounsOf(issue))
        : sentence('enum', { allowedValues: issue.values })
    case 'invalid_format':
      return mustBe(formatNoun(issue.format))
    case 'too_small':
      return sentence(limits[issue.origin]?.least ?? 'minimum', { limit: issue.minimum })
    case 'too_big':
      return sentence(limits[issue.origin]?.most ?? 'maximum', { limit: issue.maximum })
    default:
      return isInvalid
  }
}

const limits: Record<string, { least: string; most: string }> = {
  string: { least: 'minLength', most: 'maxLength' },
  array: { least: 'minItems', most: 'maxItems' },
}

const sentence = (keyword: string, params: Record<string, unknown>): Texts =>
  sentences[keyword]?.(params) ?? isInvalid

function valueAt(input: unknown, path: Path): unknown {
  let value = input
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}
