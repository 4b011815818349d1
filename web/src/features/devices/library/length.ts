const longest_ms = 86_400_000

/** A length as players show it: `3:25`, `1:03:25`. */
export function lengthText(ms: number): string {
  const total = Math.round(ms / 1000)
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`
}

/** Milliseconds of a length that was typed, null for none; undefined for what is no length. */
export function lengthOf(text: string): number | null | undefined {
  if (text.trim() === '') return null
  const match = /^(?:(\d{1,2})[:：])?(\d{1,4})[:：]([0-5]\d)$/.exec(text.trim())
  if (!match) return undefined
  const [, hours = '0', minutes = '0', seconds = '0'] = match
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
  return ms <= longest_ms ? ms : undefined
}
