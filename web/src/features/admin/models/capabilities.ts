/** What a model may be able to do, in the order in which it is shown. */
export const capabilities = ['vision', 'tools', 'reasoning', 'json'] as const
