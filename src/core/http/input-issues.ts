import type { ErrorObject } from 'ajv'
import type { InputIssue, Texts } from '#core/errors.ts'
import {
  badName,
  formatNoun,
  isInvalid,
  isRequired,
  mustBe,
  oneOf,
  sentences,
  typeNouns,
  valueNouns,
} from './input-texts.ts'
import type { JsonSchema } from './schema.ts'

const mostIssues = 20
/** They only repeat what the keywords inside them say. */
const noise = new Set(['if', 'allOf', 'propertyNames'])
const unions = new Set(['anyOf', 'oneOf'])
/** Keywords that say what a value is, so that the choices of a union can be told in one sentence. */
const kinds = new Set(['type', 'const', 'enum', 'format'])

type Complaint = ErrorObject & { text?: Texts }

/**
 * What is wrong with an input, for its reader: pointers start at the request part (`/body/title`) and lead to the very
 * member, one that is missing or too many included. The validator has to be made with `verbose`.
 */
export function inputIssues(errors: readonly ErrorObject[], part: string): InputIssue[] {
  const issues = new Map<string, InputIssue>()
  for (const complaint of withoutUnions(errors)) {
    if (noise.has(complaint.keyword)) continue
    const issue = { pointer: `/${part}${pointerOf(complaint)}`, detail: textOf(complaint) }
    issues.set(`${issue.pointer} ${issue.detail.en}`, issue)
  }
  if (issues.size === 0) return [{ pointer: `/${part}`, detail: isInvalid }]
  return [...issues.values()].slice(0, mostIssues)
}

export const escapePointer = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1')

function pointerOf({ instancePath, keyword, params, propertyName }: Complaint): string {
  const members: Record<string, unknown> = {
    required: params.missingProperty,
    additionalProperties: params.additionalProperty,
    unevaluatedProperties: params.unevaluatedProperty,
    discriminator: params.tag,
  }
  const member = propertyName ?? members[keyword]
  return typeof member === 'string' ? `${instancePath}/${escapePointer(member)}` : instancePath
}

function textOf(complaint: Complaint): Texts {
  if (complaint.text) return complaint.text
  const { keyword, params, parentSchema, propertyName } = complaint
  const text =
    keyword === 'discriminator'
      ? tagText(complaint)
      : // Formats of ours bring a pattern along, which says the same in signs.
        keyword === 'pattern' && parentSchema?.format
        ? mustBe(formatNoun(parentSchema.format))
        : (sentences[keyword]?.(params) ?? isInvalid)
  return propertyName === undefined ? text : badName(text)
}

/** The member that tells the choices of a union apart. */
function tagText({ params, schema, data }: Complaint): Texts {
  const tag = String(params.tag)
  if ((data as Record<string, unknown>)[tag] === undefined) return isRequired
  const { values = [] } = schema as { values?: unknown[] }
  return values.length > 0 ? oneOf(values) : isInvalid
}

/**
 * Of a union all choices complain. Kept are the complaints of the choice that was meant, by the kind of value; where
 * there is none, one sentence names the choices.
 */
function withoutUnions(errors: readonly ErrorObject[]): Complaint[] {
  let kept: Complaint[] = []
  for (const error of errors) {
    if (!unions.has(error.keyword)) {
      kept.push(error)
      continue
    }
    const isInside = ({ schemaPath, instancePath }: Complaint) =>
      schemaPath.startsWith(`${error.schemaPath}/`) && `${instancePath}/`.startsWith(`${error.instancePath}/`)
    const inside = kept.filter(isInside)
    kept = kept.filter(complaint => !isInside(complaint))
    // Choices that are references complain from elsewhere: what they said is kept already.
    const isTold = kept.some(({ instancePath }) => `${instancePath}/`.startsWith(`${error.instancePath}/`))
    kept.push(...(ofUnion(error, inside) ?? (isTold ? [] : [error])))
  }
  return kept
}

/** Null for choices of which nothing can be said. */
function ofUnion(union: ErrorObject, inside: readonly Complaint[]): Complaint[] | null {
  const choices = (Array.isArray(union.schema) ? union.schema : []) as JsonSchema[]
  const isKind = (complaint: Complaint) =>
    complaint.instancePath === union.instancePath && kinds.has(complaint.keyword)
  const meant = choices
    .map((_, at) => inside.filter(({ schemaPath }) => schemaPath.startsWith(`${union.schemaPath}/${at}/`)))
    .filter(complaints => complaints.length > 0 && !complaints.some(isKind))
    .sort((a, b) => a.length - b.length)[0]
  if (meant) return meant
  const nouns = choices.map(nounsOf)
  return nouns.length === 0 || nouns.some(({ length }) => length === 0)
    ? null
    : [{ ...union, text: mustBe(...nouns.flat()) }]
}

function nounsOf(choice: JsonSchema): Texts[] {
  if ('const' in choice) return valueNouns([choice.const])
  if (Array.isArray(choice.enum)) return valueNouns(choice.enum)
  if (choice.format) return [formatNoun(choice.format)]
  return choice.type ? typeNouns(choice.type) : []
}
