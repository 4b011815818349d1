import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { z } from 'zod'
import type { InputIssue } from '#core/errors.ts'
import { escapePointer, inputIssues } from '#core/http/input-issues.ts'
import { duplicate } from '#core/http/input-texts.ts'
import { toJsonSchema } from '#core/http/schema.ts'
import { CategoryTitles } from './contract.ts'
import { longestMatched, patternProblem } from './safe-pattern.ts'

/*
 * The part of JSON Schema (draft 7) that describes the attributes of a category: what a form can be made from. There
 * are no references, combinators or conditions in it, and it is a tree of bounded size.
 */

const deepest = 5
const largest_chars = 20_000
/** Attributes whose values are ids of uploaded files. */
export const fileFormats = ['audio', 'image'] as const

const described = {
  title: z.string().max(100).optional(),
  description: z.string().max(500).optional(),
  'x-titles': CategoryTitles.optional(),
}
const range = z.number().optional()
const count = z.int().min(0).max(10_000).optional()

const TextNode = z.strictObject({
  ...described,
  type: z.literal('string'),
  enum: z.array(z.string().max(100)).min(1).max(100).optional(),
  'x-enum-titles': z.record(z.string().max(100), CategoryTitles).optional(),
  format: z.enum([...fileFormats, 'date']).optional(),
  minLength: count,
  maxLength: count,
  pattern: z.string().max(200).optional(),
})
const NumberNode = z.strictObject({
  ...described,
  type: z.enum(['number', 'integer']),
  enum: z.array(z.number()).min(1).max(100).optional(),
  minimum: range,
  maximum: range,
  exclusiveMinimum: range,
  exclusiveMaximum: range,
  multipleOf: z.number().positive().optional(),
})
const BooleanNode = z.strictObject({ ...described, type: z.literal('boolean') })

export type AttributeNode =
  | z.output<typeof TextNode>
  | z.output<typeof NumberNode>
  | z.output<typeof BooleanNode>
  | ObjectNode
  | ArrayNode
export type ObjectNode = {
  type: 'object'
  properties: Record<string, AttributeNode>
  required?: string[] | undefined
  additionalProperties: false
}
type ArrayNode = {
  type: 'array'
  items: AttributeNode
  minItems?: number | undefined
  maxItems?: number | undefined
  uniqueItems?: boolean | undefined
}

const propertyName = z.string().regex(/^[a-z][a-z0-9_]{0,49}$/)

const ObjectShape = z.strictObject({
  ...described,
  type: z.literal('object'),
  get properties() {
    return z.record(propertyName, Node)
  },
  required: z.array(z.string().max(50)).max(50).optional(),
  additionalProperties: z.literal(false),
})
const ArrayShape = z.strictObject({
  ...described,
  type: z.literal('array'),
  get items() {
    return Node
  },
  minItems: count,
  maxItems: count,
  uniqueItems: z.boolean().optional(),
})
const Node: z.ZodType<AttributeNode> = z.lazy(() =>
  z.discriminatedUnion('type', [TextNode, NumberNode, BooleanNode, ObjectShape, ArrayShape]),
)

export type CheckedSchema = { schema: ObjectNode; issues: null } | { schema: null; issues: InputIssue[] }

const texts = {
  long: {
    en: `The schema is longer than ${largest_chars} characters.`,
    'zh-CN': `属性定义超过了 ${largest_chars} 个字符。`,
  },
  deep: { en: `It is nested more than ${deepest} levels deep.`, 'zh-CN': `嵌套不能超过 ${deepest} 层。` },
  noProperty: (name: string) => ({
    en: `“${name}” is required but not a property.`,
    'zh-CN': `“${name}”列为必填，但不是已定义的属性。`,
  }),
  noEnd: {
    en: `A pattern needs a maxLength of at most ${longestMatched} beside it.`,
    'zh-CN': `使用 pattern 时，须同时给出不超过 ${longestMatched} 的 maxLength。`,
  },
  reference: { en: 'References are not allowed here.', 'zh-CN': '不能使用引用。' },
  unusable: { en: 'This schema cannot be used.', 'zh-CN': '这个属性定义无法使用。' },
}

let fitsShape: ValidateFunction<ObjectNode> | undefined

/** Whether a JSON Schema can describe a category; `issues` point to the places, below `at`. */
export function checkSchema(given: unknown, at = 'body/schema'): CheckedSchema {
  const text = JSON.stringify(given) ?? ''
  if (text.length > largest_chars) return refused([{ pointer: `/${at}`, detail: texts.long }])
  if (depthOf(given) > deepest * 2 + 1) return refused([{ pointer: `/${at}`, detail: texts.deep }])
  const references = [...referencesIn(given, `/${at}`)]
  if (references.length > 0) return refused(references)
  fitsShape ??= new Ajv({
    allErrors: true,
    strict: false,
    verbose: true,
    discriminator: true,
  }).compile<ObjectNode>(toJsonSchema(ObjectShape, 'input', 'draft-07'))
  if (!fitsShape(given)) return refused(inputIssues(fitsShape.errors ?? [], at))
  const issues = [...nodeIssues(given, `/${at}`)]
  if (issues.length > 0) return refused(issues)
  try {
    compileSchema(given)
  } catch {
    return refused([{ pointer: `/${at}`, detail: texts.unusable }])
  }
  return { schema: given, issues: null }
}

const refused = (issues: InputIssue[]): CheckedSchema => ({ schema: null, issues })

/** Objects and arrays inside each other; stops counting soon after it is too much. */
function depthOf(value: unknown, depth = 0): number {
  if (value === null || typeof value !== 'object' || depth > deepest * 2 + 2) return depth
  return Math.max(depth, ...Object.values(value).map(inner => depthOf(inner, depth + 1)))
}

/** Named for themselves: what stands beside one is left out, so the rest would only say that it is missing. */
function* referencesIn(value: unknown, pointer: string): Generator<InputIssue> {
  if (value === null || typeof value !== 'object') return
  for (const [key, inner] of Object.entries(value)) {
    const place = `${pointer}/${escapePointer(key)}`
    if (key === '$ref') yield { pointer: place, detail: texts.reference }
    else yield* referencesIn(inner, place)
  }
}

function* nodeIssues(node: AttributeNode, pointer: string): Generator<InputIssue> {
  if (node.type === 'object') {
    for (const name of node.required ?? [])
      if (!Object.hasOwn(node.properties, name))
        yield { pointer: `${pointer}/required`, detail: texts.noProperty(name) }
    for (const [name, inner] of Object.entries(node.properties))
      yield* nodeIssues(inner, `${pointer}/properties/${escapePointer(name)}`)
  }
  if (node.type === 'array') yield* nodeIssues(node.items, `${pointer}/items`)
  const lists: Record<string, readonly unknown[] | undefined> = {
    enum: 'enum' in node ? node.enum : undefined,
    required: 'required' in node ? node.required : undefined,
  }
  for (const [list, items = []] of Object.entries(lists))
    if (new Set(items).size < items.length) yield { pointer: `${pointer}/${list}`, detail: duplicate }
  if (node.type === 'string' && node.pattern !== undefined) {
    const problem = patternProblem(node.pattern)
    if (problem !== null) yield { pointer: `${pointer}/pattern`, detail: problem }
    else if (node.maxLength === undefined || node.maxLength > longestMatched)
      yield { pointer: `${pointer}/pattern`, detail: texts.noEnd }
  }
}

/** A validator of the attributes that a checked schema describes. @throws {Error} when ajv refuses the schema */
export function compileSchema(schema: ObjectNode): ValidateFunction {
  const ajv = new Ajv({ strict: true, allErrors: true, verbose: true })
  addFormats.default(ajv, ['date', 'uuid'])
  for (const format of fileFormats) ajv.addFormat(format, /^[0-9a-f-]{36}$/)
  for (const keyword of ['x-titles', 'x-enum-titles']) ajv.addKeyword({ keyword, schemaType: 'object' })
  return ajv.compile(withGuardedPatterns(schema))
}

/** With `allErrors`, ajv would try a pattern on a text of any length, whatever `maxLength` says beside it. */
function withGuardedPatterns(node: AttributeNode): object {
  if (node.type === 'object') {
    const inner = Object.entries(node.properties).map(([name, value]) => [name, withGuardedPatterns(value)])
    return { ...node, properties: Object.fromEntries(inner) as object }
  }
  if (node.type === 'array') return { ...node, items: withGuardedPatterns(node.items) }
  if (node.type !== 'string' || node.pattern === undefined) return node
  const { pattern, ...rest } = node
  return { ...rest, if: { not: { maxLength: node.maxLength } }, else: { pattern } }
}

/** The files that valid attributes name, each with where it stands and what it must be. */
export function* filesIn(
  node: AttributeNode,
  value: unknown,
  pointer = '',
): Generator<{ id: string; kind: 'audio' | 'image'; pointer: string }> {
  if (value === undefined) return
  if (node.type === 'object')
    for (const [name, inner] of Object.entries(node.properties))
      yield* filesIn(inner, (value as Record<string, unknown>)[name], `${pointer}/${name}`)
  if (node.type === 'array')
    for (const [at, item] of (value as unknown[]).entries())
      yield* filesIn(node.items, item, `${pointer}/${at}`)
  if (node.type === 'string' && (node.format === 'audio' || node.format === 'image'))
    yield { id: String(value), kind: node.format, pointer }
}
