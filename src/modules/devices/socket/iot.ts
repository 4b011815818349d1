import { z } from 'zod'
import { toolUnknown } from './errors.ts'
import type { DeviceTool } from './mcp.ts'
import type { Iot } from './messages.ts'

const Parameters = z.record(
  z.string().max(100),
  z.looseObject({
    description: z.string().max(1000).optional(),
    type: z.enum(['boolean', 'number', 'string']).optional(),
  }),
)
const Descriptor = z.looseObject({
  name: z.string().min(1).max(100),
  description: z.string().max(1000).default(''),
  methods: z
    .record(
      z.string().max(100),
      z.looseObject({ description: z.string().max(1000).default(''), parameters: Parameters.default({}) }),
    )
    .default({}),
})
type Descriptor = z.output<typeof Descriptor>

export type IotCommand = { name: string; method: string; parameters: Record<string, unknown> }

const mostThings = 50

/** The things of a device before firmware 1.8, which describes itself piece by piece and never answers. */
export function createIot(send: (command: IotCommand) => void) {
  const things = new Map<string, Descriptor>()
  return {
    /** What the device says of itself. Returns the states in it, by thing; null when there are none. */
    receive(message: Iot): Record<string, unknown> | null {
      for (const given of message.descriptors ?? []) {
        const { data } = Descriptor.safeParse(given)
        if (data && (things.has(data.name) || things.size < mostThings)) things.set(data.name, data)
      }
      const states = message.states?.map(({ name, state }) => [name, state] as const) ?? []
      return states.length > 0 ? Object.fromEntries(states) : null
    },
    tools(): DeviceTool[] {
      return [...things.values()].flatMap(thing =>
        Object.entries(thing.methods).map(([method, { description, parameters }]) => ({
          name: `${thing.name}.${method}`,
          description: [thing.description, description].filter(text => text !== '').join(': '),
          inputSchema: { type: 'object', properties: parameters, required: Object.keys(parameters) },
        })),
      )
    },
    /** `Speaker.SetVolume`. It is sent, and that is all that can be known. @throws AppError `device_tool.unknown` */
    call(tool: string, args: object): string {
      const [name = '', method = ''] = tool.split('.')
      if (!things.get(name)?.methods[method]) throw toolUnknown({ tool })
      send({ name, method, parameters: { ...args } })
      return 'sent'
    },
  }
}
