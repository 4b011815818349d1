import type { AttributeNode, Texts } from '#api/cards.ts'

export type Words = { textOf(texts: Texts): string; yes: string; no: string }

/** What an attribute is called: by its category, or by its key where that says nothing. */
export const labelOf = (name: string, node: AttributeNode | undefined, { textOf }: Words): string =>
  node?.['x-titles'] ? textOf(node['x-titles']) : (node?.title ?? name)

/** The attributes in the order of the schema; what the schema knows no more comes last. */
export function inOrder(
  attributes: object,
  schema: Pick<AttributeNode, 'properties'> | undefined,
): { name: string; value: unknown; node: AttributeNode | undefined }[] {
  const values = new Map<string, unknown>(Object.entries(attributes))
  const properties = schema?.properties ?? {}
  const names = new Set([...Object.keys(properties), ...values.keys()])
  return [...names]
    .filter(name => values.has(name))
    .map(name => ({ name, value: values.get(name), node: properties[name] }))
}

/** A value in one line, lists and groups as well. Files within them have no words. */
export function attributeText(value: unknown, node: AttributeNode | undefined, words: Words): string {
  if (node?.format === 'audio' || node?.format === 'image') return ''
  if (Array.isArray(value))
    return joined(
      value.map(each => attributeText(each, node?.items, words)),
      ' · ',
    )
  if (typeof value === 'object' && value !== null)
    return joined(
      inOrder(value, node).map(inner => {
        const text = attributeText(inner.value, inner.node, words)
        return text && `${labelOf(inner.name, inner.node, words)} ${text}`
      }),
      ', ',
    )
  if (typeof value === 'boolean') return value ? words.yes : words.no
  const titles = node?.['x-enum-titles']?.[String(value)]
  return titles ? words.textOf(titles) : String(value)
}

const joined = (texts: readonly string[], separator: string): string =>
  texts.filter(text => text !== '').join(separator)
