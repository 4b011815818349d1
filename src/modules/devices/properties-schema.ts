import type { InputIssue, Texts } from '#core/errors.ts'
import { escapePointer } from '#core/http/input-issues.ts'
import { mustBe, valueNouns } from '#core/http/input-texts.ts'
import type { JsonObject } from './tables.ts'

const maxSchemaBytes = 32_768
const deepest = 16
/** Most subschemas when every reference is replaced by what it names: few of them can stand for very many. */
const mostNodes = 2000
const mostIssues = 20

const drafts = ['http://json-schema.org/draft-07/schema#', 'http://json-schema.org/draft-07/schema']

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const inner = new Set([
  'items',
  'additionalItems',
  'additionalProperties',
  'contains',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
])
const innerLists = new Set(['items', 'allOf', 'anyOf', 'oneOf'])
const innerMaps = new Set(['properties', 'definitions', '$defs', 'dependencies'])

export const unusable: Texts = { en: 'This schema cannot be used.', 'zh-CN': '无法使用这个 JSON Schema。' }
const texts = {
  long: {
    en: `The schema is larger than ${maxSchemaBytes} bytes.`,
    'zh-CN': `JSON Schema 超过了 ${maxSchemaBytes} 字节。`,
  },
  deep: {
    en: `It is nested more than ${deepest} levels deep, or its references go round in circles.`,
    'zh-CN': `嵌套超过了 ${deepest} 层，或引用形成了循环。`,
  },
  many: {
    en: `With its references it has more than ${mostNodes} parts.`,
    'zh-CN': `展开引用后超过了 ${mostNodes} 个部分。`,
  },
  pattern: { en: 'Regular expressions are not allowed here.', 'zh-CN': '不能使用正则表达式。' },
  elsewhere: { en: 'References to elsewhere are not allowed.', 'zh-CN': '不能引用外部内容。' },
  nowhere: { en: 'There is nothing at this reference.', 'zh-CN': '引用的位置没有内容。' },
  format: { en: 'This format is not known here.', 'zh-CN': '不支持这种格式。' },
}
const refused: Record<string, Texts> = {
  pattern: texts.pattern,
  patternProperties: texts.pattern,
  $id: texts.elsewhere,
  id: texts.elsewhere,
  $anchor: texts.elsewhere,
  $dynamicRef: texts.elsewhere,
  $recursiveRef: texts.elsewhere,
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What keeps a schema from being used that the rules of JSON Schema themselves would let through. */
export function schemaProblems(
  schema: JsonObject,
  at: string,
  isFormat: (name: string) => boolean,
): InputIssue[] {
  if (Buffer.byteLength(JSON.stringify(schema)) > maxSchemaBytes)
    return [{ pointer: `/${at}`, detail: texts.long }]
  const issues = new Map<string, InputIssue>()
  const complain = (pointer: string, detail: Texts) => issues.set(pointer, { pointer, detail })
  if (schema.type !== 'object') complain(`/${at}/type`, mustBe(...valueNouns(['object'])))
  if (schema.$schema !== undefined && !drafts.includes(String(schema.$schema)))
    complain(`/${at}/$schema`, mustBe(...valueNouns([drafts[0]])))
  let nodes = 0
  /** `isCopy`: what a reference names, which is looked at for itself where it stands. */
  const walk = (node: unknown, pointer: string, depth: number, isCopy = false): void => {
    if (!isObject(node) || nodes > mostNodes) return
    if (++nodes > mostNodes) return void complain(`/${at}`, texts.many)
    if (depth > deepest) return void complain(pointer, texts.deep)
    for (const [keyword, value] of Object.entries(node)) {
      const place = isCopy ? pointer : `${pointer}/${escapePointer(keyword)}`
      const named = keyword === '$ref' ? find(schema, value) : undefined
      const problem = problemOf(keyword, value) ?? (named === null ? texts.nowhere : undefined)
      if (problem && !isCopy) complain(place, problem)
      walk(named, place, depth + 1, true)
      for (const [child, name] of children(keyword, value))
        walk(child, isCopy ? pointer : `${place}${name}`, depth + 1, isCopy)
    }
  }
  const problemOf = (keyword: string, value: unknown): Texts | undefined => {
    if (Object.hasOwn(refused, keyword)) return refused[keyword]
    if (typeof value !== 'string') return undefined
    if (keyword === '$ref' && !value.startsWith('#')) return texts.elsewhere
    return keyword === 'format' && !isFormat(value) ? texts.format : undefined
  }
  walk(schema, `/${at}`, 0)
  return [...issues.values()].slice(0, mostIssues)
}

/** The schemas in a keyword, each with the rest of the pointer to it. */
function* children(keyword: string, value: unknown): Generator<[unknown, string]> {
  if (inner.has(keyword) && isObject(value)) yield [value, '']
  if (innerLists.has(keyword) && Array.isArray(value))
    for (const [index, child] of value.entries()) yield [child, `/${index}`]
  if (innerMaps.has(keyword) && isObject(value))
    for (const [name, child] of Object.entries(value)) yield [child, `/${escapePointer(name)}`]
}

/** What a reference such as `#/definitions/volume` names; null for nothing, undefined for no such reference. */
function find(schema: JsonObject, reference: unknown): unknown {
  if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined
  let found: unknown = schema
  for (const part of reference.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return null
    found = (found as JsonObject)[name]
  }
  return found
}
