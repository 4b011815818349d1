/** Digits and dots, as devices compare them: 2.1.10. Four parts at most, each below a million. */
export const versionPattern = /^\d{1,6}(\.\d{1,6}){0,3}$/

/** Orders by age as text, and knows 1.2 and 1.2.0 as one. */
export const versionKey = (version: string): string =>
  [...version.split('.'), '0', '0', '0']
    .slice(0, 4)
    .map(part => Number(part).toString().padStart(6, '0'))
    .join('.')

/**
 * What can be said of a device's own version: firmware parses this field as numbers, and a text such as `v1.0-rc`
 * makes it throw. Null where there is no number in it.
 */
export function plainVersion(given: string): string | null {
  const found = /\d{1,6}(?:\.\d{1,6}){0,3}/.exec(given)?.[0]
  return found ?? null
}
