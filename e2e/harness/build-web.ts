import { fileURLToPath } from 'node:url'
import { createLog } from '#core/log.ts'
import { buildWebIfChanged } from '../../src/web-build.ts'

/** Once per run, so that no server starts with a build of its own. */
export default () => buildWebIfChanged(fileURLToPath(new URL('../../', import.meta.url)), createLog('warn'))
