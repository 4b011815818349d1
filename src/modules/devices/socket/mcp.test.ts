import { expect, test, vi } from 'vitest'
import { createMcp } from './mcp.ts'

type Request = { id?: number; method: string; params: { cursor?: string } }

/** A device whose answers are these, key by key; whatever is not asked with an id is passed over. */
function mcpThatAnswers(answerTo: (request: Request) => object) {
  const warn = vi.fn()
  const mcp = createMcp(
    payload => {
      const request = payload as Request
      if (request.id === undefined) return
      const answer = { jsonrpc: '2.0', id: request.id, ...answerTo(request) }
      queueMicrotask(() => mcp.receive(answer))
    },
    null,
    { warn },
  )
  return { mcp, warn }
}

test('a tool that is malformed is passed over and told of; the others of its page, and the next page, are taken', async () => {
  const pages: Record<string, object> = {
    '': {
      tools: [
        { name: 'good' },
        { name: '' },
        null,
        { name: 'no.schema', inputSchema: 'object' },
        { name: 'no.audience', annotations: { audience: 'user' } },
        { name: 'also.good', description: 'Works' },
      ],
      nextCursor: 'second',
    },
    second: { tools: [{ name: 'later' }], nextCursor: null },
  }
  const { mcp, warn } = mcpThatAnswers(({ method, params }) => ({
    result: method === 'tools/list' ? pages[params.cursor ?? ''] : {},
  }))
  const tools = await mcp.start()
  expect(tools.map(({ name }) => name)).toEqual(['good', 'also.good', 'later'])
  expect(warn).toHaveBeenCalledOnce()
  expect(warn.mock.calls[0]?.[0]).toMatchObject({ malformed: 4 })
})

test('an error that is null is none, and one of any other kind ends the call at once', async () => {
  const answers = [
    { result: { content: [{ type: 'text', text: 'fine' }] }, error: null },
    { error: { code: -32_601, message: 'Unknown tool' } },
    { error: 'Unknown tool' },
    { error: { code: 1, message: null } },
  ]
  const { mcp } = mcpThatAnswers(() => answers.shift() ?? {})
  expect(await mcp.call('any', {})).toBe('fine')
  await expect(mcp.call('any', {})).rejects.toMatchObject({
    code: 'device_tool.failed',
    details: { reason: 'Unknown tool' },
  })
  await expect(mcp.call('any', {})).rejects.toMatchObject({ code: 'device_tool.failed' })
  await expect(mcp.call('any', {})).rejects.toMatchObject({ code: 'device_tool.failed' })
})
