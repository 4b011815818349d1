import type { Router } from '#core/http/route.ts'
import { type InstructionService, Instructions } from '../instructions.ts'

const path = '/api/v1/chat/instructions'
const access = 'chat.use'

export function instructionRoutes(router: Router, instructions: InstructionService) {
  router.route({
    method: 'GET',
    path,
    access,
    summary: 'What every model is told about oneself',
    response: Instructions,
    handler: ({ actor }) => instructions.get(actor),
  })
  router.route({
    method: 'PUT',
    path,
    access,
    summary: 'Say what every model shall know, and how it shall answer',
    body: Instructions,
    response: Instructions,
    handler: ({ actor, body }) => instructions.put(actor, body),
  })
}
