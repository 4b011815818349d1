import { withServices } from './with-services.ts'

/** `banyan doctor`: checks what Banyan stands on, and prints it with the time each answer took. */
export const doctor = (): Promise<void> =>
  withServices(async ({ core, redis }) => {
    const { settings, db, ai, speech } = core
    const line = (name: string, ok: boolean, text: string) => {
      process.stdout.write(`${ok ? '✓' : '✗'} ${name.padEnd(24)} ${text}\n`)
      if (!ok) process.exitCode = 1
    }
    const ms = (value: number) => `${value.toFixed(2)} ms`
    line('settings', true, 'all valid')
    line('database', true, `${settings.DATABASE_URL ? 'external' : 'embedded'}, ${ms(await db.latency())}`)
    if (!redis) line('cache', true, 'in memory (REDIS_URL is not set)')
    else if (await redis.ready(3000)) line('cache', true, `Redis, ${ms(await redis.latency())}`)
    else line('cache', false, 'Redis does not answer; Banyan works without it, slower')
    line(
      'mail',
      true,
      core.mail.delivers ? 'by SMTP' : 'kept on the administrators’ mailbox page (SMTP_URL is not set)',
    )
    const { recognizer, is_scripted, synthesizer, is_preview, services } = speech.status()
    const orSet = `set one of: ${services.join('; ')}`
    const listener = is_scripted ? 'scripted: it hears nothing, for demonstrations only' : recognizer
    line(
      'speech recognition',
      isSpeechWhole(settings.SPEECH_RECOGNIZER, recognizer),
      listener ?? `none; ${orSet}`,
    )
    line(
      'speech synthesis',
      synthesizer !== null,
      is_preview ? `${synthesizer}, a preview voice; for a better one ${orSet}` : (synthesizer ?? orSet),
    )
    for (const { id, name } of await ai.providers.list()) {
      const { error, latency_ms, models } = await ai.providers.test({ id }, AbortSignal.timeout(20_000))
      line(`provider ${name}`, error === null, error?.message ?? `${ms(latency_ms)}, ${models.length} models`)
    }
  })

/** Without any engine speech is not offered, which is fine; one that is chosen but lacks its keys is a mistake. */
const isSpeechWhole = (chosen: string, engine: string | null): boolean => chosen === 'auto' || engine !== null
