import { sql } from 'kysely'
import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import type { Db, Executor } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import { newId } from '#core/ids.ts'
import { type CronDefinition, defineJob, type JobDefinition, type Jobs } from '#core/jobs/jobs.ts'
import { createSmtp } from '#core/mail-smtp.ts'
import type { coreSettings } from '#core/settings.ts'

export type OutgoingMail = {
  /** One address. */
  to: string
  subject: string
  text: string
  html?: string
}

/** A mail on the administrators' mailbox page. */
export const StoredMail = z
  .object({
    id: z.uuid(),
    to: z.string(),
    subject: z.string(),
    state: z
      .enum(['stored', 'queued', 'failed'])
      .describe(
        '`stored`: no mail server is set. `queued`: about to be sent. `failed`: tried, and maybe again.',
      ),
    error_code: z.string().nullable(),
    created_at: z.string(),
  })
  .meta({ id: 'StoredMail' })
export type StoredMail = z.output<typeof StoredMail>

export const StoredMailBody = StoredMail.extend({ text: z.string(), html: z.string().nullable() }).meta({
  id: 'StoredMailBody',
})
export type StoredMailBody = z.output<typeof StoredMailBody>

export type Mail = {
  /**
   * Sends a mail if and when the caller's transaction commits, from a job, so that nobody waits for the mail server.
   * Without one it stays on the administrators' mailbox page. Neither addresses nor texts are ever logged.
   */
  send(tx: Executor, message: OutgoingMail): Promise<void>
  /** False when no mail server is set. */
  delivers: boolean
  /** What was not delivered, newest first. */
  mailbox: {
    list(query: { limit: number; cursor?: string }): Promise<Page<StoredMail>>
    get(id: string): Promise<StoredMailBody | null>
  }
}

export type MailService = Mail & { jobs: readonly JobDefinition[]; cron: readonly CronDefinition[] }

const deliveryFailed = defineError({
  code: 'mail.delivery_failed',
  status: 502,
  en: 'The mail server did not take the mail ({reason}).',
  'zh-CN': '邮件服务器未接收邮件（{reason}）。',
})

const retention_days = 30
const deleteBatch = 1000

/** More than two hours of tries. */
const attempts = 14

const columns = sql`id, recipient AS to, subject, state, error_code, created_at`

export function createMail({
  db,
  jobs,
  settings,
}: {
  db: Db
  jobs: Pick<Jobs, 'add'>
  settings: Pick<Settings<typeof coreSettings>, 'SMTP_URL' | 'MAIL_FROM'>
}): MailService {
  const smtp = settings.SMTP_URL === '' ? null : createSmtp(settings.SMTP_URL, settings.MAIL_FROM)

  const sendMail = defineJob({
    name: 'core.send_mail',
    schema: z.object({ mail_id: z.uuid() }),
    attempts,
    timeout_ms: 90_000,
    async run({ mail_id }) {
      const mail = await findMail(db.primary, mail_id)
      if (!mail || !smtp) return
      const failure = await smtp.deliver(mail)
      if (failure === null) {
        // What is delivered is the recipient's alone: links in it must not lie around.
        await sql`DELETE FROM core_mail WHERE id = ${mail_id}`.execute(db.primary)
        return
      }
      await sql`
        UPDATE core_mail SET state = 'failed', error_code = ${failure.reason} WHERE id = ${mail_id}`.execute(
        db.primary,
      )
      if (!failure.is_permanent) throw deliveryFailed({ reason: failure.reason })
    },
  })

  const cleanMailbox = defineJob({
    name: 'core.clean_mailbox',
    schema: z.object({}),
    async run(_, { signal }) {
      for (let deleted = deleteBatch; deleted === deleteBatch && !signal.aborted; ) {
        const result = await sql`
          DELETE FROM core_mail WHERE id IN (
            SELECT id FROM core_mail WHERE created_at < now() - make_interval(days => ${retention_days}::int)
            LIMIT ${deleteBatch})`.execute(db.primary)
        deleted = Number(result.numAffectedRows ?? 0)
      }
    },
  })

  return {
    delivers: smtp !== null,
    jobs: [sendMail, cleanMailbox],
    cron: [{ name: 'core.clean_mailbox', schedule: '23 4 * * *', job: cleanMailbox }],
    async send(tx, { to, subject, text, html }) {
      const id = newId()
      await sql`
        INSERT INTO core_mail (id, recipient, subject, body_text, body_html, state)
        VALUES (${id}, ${to}, ${subject}, ${text}, ${html ?? null}, ${smtp ? 'queued' : 'stored'})`.execute(
        tx,
      )
      if (smtp) await jobs.add(tx, sendMail, { mail_id: id })
    },
    mailbox: {
      async list({ limit, cursor }) {
        const [before] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? []
        const { rows } = await sql<StoredMail>`
          SELECT ${columns} FROM core_mail ${before ? sql`WHERE id < ${before}` : sql``}
          ORDER BY id DESC LIMIT ${limit + 1}`.execute(db.primary)
        return pageFrom(rows, limit, row => [row.id])
      },
      get: id => findMail(db.primary, id),
    },
  }
}

async function findMail(db: Executor, id: string): Promise<StoredMailBody | null> {
  const { rows } = await sql<StoredMailBody>`
    SELECT ${columns}, body_text AS text, body_html AS html FROM core_mail WHERE id = ${id}`.execute(db)
  return rows[0] ?? null
}
