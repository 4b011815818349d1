import { z } from 'zod'
import { badStructure } from './errors-metering.ts'
import type { ChatMessage, Delta, UpstreamRequest } from './types.ts'

/** Asks once, and once more with what was wrong. @throws AppError `ai.bad_structure` */
export async function askForStructure<T>(
  schema: z.ZodType<T>,
  messages: readonly ChatMessage[],
  ask: (request: Pick<UpstreamRequest, 'messages' | 'response_format'>) => AsyncIterable<Delta>,
): Promise<T> {
  const jsonSchema = JSON.stringify(z.toJSONSchema(schema, { unrepresentable: 'any' }))
  const instruction: ChatMessage = {
    role: 'system',
    content: `Answer with one JSON value and nothing else. It must fit this JSON Schema:\n${jsonSchema}`,
  }
  const response_format = { type: 'json_object' } as const
  let conversation: ChatMessage[] = [instruction, ...messages]
  for (let tries = 1; ; tries++) {
    const text = await textOf(ask({ messages: conversation, response_format }))
    const result = read(text, schema)
    if ('value' in result) return result.value
    if (tries === 2) throw badStructure()
    conversation = [
      ...conversation,
      { role: 'assistant', content: text },
      {
        role: 'user',
        content: `That does not fit the schema:\n${result.problem}\nAnswer again, with JSON only.`,
      },
    ]
  }
}

async function textOf(deltas: AsyncIterable<Delta>): Promise<string> {
  let text = ''
  for await (const delta of deltas) if (delta.type === 'text') text += delta.text
  return text
}

/** Models like to wrap JSON into a code fence, or into a sentence. */
function read<T>(text: string, schema: z.ZodType<T>): { value: T } | { problem: string } {
  const start = text.search(/[[{]/)
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'))
  const candidates = [text, ...(start >= 0 && end > start ? [text.slice(start, end + 1)] : [])]
  let problem = 'It is not JSON.'
  for (const candidate of candidates) {
    let json: unknown
    try {
      json = JSON.parse(candidate)
    } catch {
      continue
    }
    const result = schema.safeParse(json)
    if (result.success) return { value: result.data }
    problem = z.prettifyError(result.error).slice(0, 2000)
  }
  return { problem }
}
