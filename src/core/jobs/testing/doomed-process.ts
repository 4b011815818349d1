import { sql } from 'kysely'
import { z } from 'zod'
import { defineJob, type JobContext } from '../jobs.ts'
import { startProcess } from './harness.ts'

/*
 * A process of its own that takes jobs and never ends them, until it is killed: `node doomed-process.ts DATABASE_URL
 * NAME`. When its jobs are told to stop, it notes that.
 */
const [url = '', name = ''] = process.argv.slice(2)

await startProcess(url, ({ db }) => {
  const note = (tag: string, text: string) =>
    sql`INSERT INTO test_effect (tag, process) VALUES (${tag}, ${text})`.execute(db.primary)
  const schema = z.object({ tag: z.string() })
  const run = async ({ tag }: { tag: string }, { signal }: JobContext) => {
    await note(tag, 'doomed')
    // It may have been told already, while it was frozen in the middle of the note.
    if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve))
    await note(tag, 'told to stop')
    throw signal.reason
  }
  return [
    defineJob({ name: `${name}.hang`, schema, run }),
    defineJob({ name: `${name}.hang_alone`, schema, concurrency: 1, run }),
  ]
})
