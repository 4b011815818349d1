import type { UsageGroup, UsageRow } from '#api/types.ts'
import { daysBetween } from '../days.ts'

const nothing = { requests: 0, prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0, cost_micros: 0 }

/** A day without use is a row too, up to today; models and users come with the dearest first. */
export function completeRows(
  items: readonly UsageRow[],
  { by, from, to }: { by: UsageGroup; from: string; to: string },
): UsageRow[] {
  if (by === 'day') {
    const known = new Map(items.map(row => [row.key, row]))
    return daysBetween(from, to).map(day => known.get(day) ?? { key: day, label: null, ...nothing })
  }
  return items.toSorted((a, b) => b.cost_micros - a.cost_micros || tokensOf(b) - tokensOf(a))
}

export const tokensOf = (row: UsageRow): number => row.prompt_tokens + row.completion_tokens

export const rowName = (row: UsageRow): string => row.label ?? row.key

export function totalOf(rows: readonly UsageRow[]): typeof nothing {
  const total = { ...nothing }
  for (const row of rows) {
    for (const name of Object.keys(nothing) as (keyof typeof nothing)[]) total[name] += row[name]
  }
  return total
}
