import { z } from 'zod'
import type { Ai } from '#core/ai/ai.ts'
import type { Router } from '#core/http/route.ts'
import type { Mail } from '#core/mail.ts'
import type { Speech } from '#core/speech/speech.ts'
import type { Identity } from '#modules/identity/contract.ts'

const Setup = z
  .object({
    has_provider: z.boolean().describe('A model answers that is more than the offline engine.'),
    has_password: z.boolean().describe('The administrator who asks can sign in without a link.'),
    has_spend_cap: z.boolean(),
    delivers_mail: z.boolean().describe('False: mail lands on the mailbox page.'),
    has_recognizer: z.boolean().describe('Speech is recognised, by more than a script.'),
    has_voice: z.boolean().describe('Texts are spoken by more than the preview engine.'),
    default_model: z.string().nullable(),
  })
  .meta({ id: 'Setup' })

/** What is still to be done before others are let in. */
export function setupRoutes(
  router: Router,
  { ai, mail, speech, identity }: { ai: Ai; mail: Mail; speech: Speech; identity: Identity },
): void {
  router.route({
    method: 'GET',
    path: '/api/v1/admin/setup',
    access: 'admin.setup.read',
    summary: 'How far the first-run set-up is',
    response: Setup,
    async handler({ actor }) {
      const [models, cap, has_password] = await Promise.all([
        ai.modelsFor(actor.user_id),
        ai.spendCap.get(),
        identity.hasPassword(actor.user_id),
      ])
      const { recognizer, is_scripted, synthesizer, is_preview } = speech.status()
      return {
        has_provider: models.some(model => model.provider_id !== 'offline'),
        has_password,
        has_spend_cap: cap.day_micros !== null || cap.month_micros !== null,
        delivers_mail: mail.delivers,
        has_recognizer: recognizer !== null && !is_scripted,
        has_voice: synthesizer !== null && !is_preview,
        default_model: models.find(model => model.is_default)?.id ?? null,
      }
    },
  })
}
