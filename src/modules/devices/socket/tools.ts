import type { SpokenTool } from '#modules/chat/contract.ts'
import type { DeviceTool } from './mcp.ts'

const longestName = 64

/**
 * A device's tools as a model sees them. Its names have dots, which models do not take; two that become the same are
 * numbered.
 */
export function toolsForModel(
  tools: readonly DeviceTool[],
  call: (name: string, args: object, signal: AbortSignal) => Promise<string>,
): SpokenTool[] {
  const taken = new Set<string>()
  return tools.map(({ name, description, inputSchema }) => {
    const plain = name.replaceAll(/[^\w-]/g, '_').slice(0, longestName)
    let free = plain
    for (let number = 2; taken.has(free); number++)
      free = `${plain.slice(0, longestName - 1 - String(number).length)}_${number}`
    taken.add(free)
    return {
      name: free,
      description,
      parameters: inputSchema,
      call: (args, signal) => call(name, typeof args === 'object' && args !== null ? args : {}, signal),
    }
  })
}
