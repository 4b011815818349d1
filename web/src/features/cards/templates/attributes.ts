import type { AttributeNode } from '#api/cards.ts'

/**
 * What was left empty is not there: an empty text, list or group would be held against the schema. A group that has to
 * be there stays.
 */
export function withoutEmpty(value: unknown, node?: AttributeNode): unknown {
  if (Array.isArray(value))
    return value.map(item => withoutEmpty(item, node?.items)).filter(item => item !== undefined)
  if (value === null || value === undefined || value === '') return undefined
  if (typeof value !== 'object') return value
  const kept = Object.entries(value)
    .map(([name, inner]) => [name, withoutEmpty(inner, node?.properties?.[name])] as const)
    .filter(([name, inner]) => inner !== undefined && !(isBare(inner) && !isNeeded(inner, node, name)))
  return Object.fromEntries(kept)
}

const isBare = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

const isNeeded = (value: unknown, node: AttributeNode | undefined, name: string): boolean =>
  !Array.isArray(value) && (node?.required?.includes(name) ?? false)

/** Whether nothing has been filled in, anywhere below. */
export function isEmpty(value: unknown): boolean {
  const kept = withoutEmpty(value)
  return kept === undefined || isBare(kept)
}
