import { fileURLToPath } from 'node:url'

export { version } from '#core/version.ts'

/** The directory that holds package.json. */
export const root = fileURLToPath(new URL('../../', import.meta.url))
