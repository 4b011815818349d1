import type { CachePolicy } from './cache.ts'

const seconds = 1000
const minutes = 60 * seconds
const hours = 60 * minutes

/** Every policy of the house. A key belongs to its policy, so the general ones ask for keys with a module's name. */
export const policies = {
  /** What changes often and is cheap to ask for again. */
  l1: { name: 'l1', ttl_ms: 5 * minutes, negative_ttl_ms: 10 * seconds },
  l2: { name: 'l2', ttl_ms: 30 * minutes, negative_ttl_ms: 30 * seconds },
  /** What hardly ever changes. */
  l3: { name: 'l3', ttl_ms: 24 * hours, negative_ttl_ms: 1 * minutes },
  session: { name: 'session', ttl_ms: 30 * minutes, negative_ttl_ms: 10 * seconds },
  conversationList: { name: 'conversation_list', ttl_ms: 5 * minutes },
  modelConfiguration: { name: 'model_configuration', ttl_ms: 1 * hours, negative_ttl_ms: 10 * seconds },
} as const satisfies Record<string, CachePolicy>
