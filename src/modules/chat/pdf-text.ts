import { Worker } from 'node:worker_threads'
import type { PdfReply, PdfRequest } from './pdf-worker.ts'
import { createSlots } from './slots.ts'

const limits = { max_pages: 2000, max_buffer: 64 * 1024 * 1024 }
/** Milliseconds for one file. */
const longest = 20_000
/** At most so many are read at once per process; whoever comes later waits. */
const slots = createSlots(2)

export type PdfText = PdfReply | { ok: false; reason: 'too_slow' }

/** The text of a PDF, cut to `max_chars`, read in a thread that a hostile file can neither block nor fill up. */
export async function pdfText(bytes: Uint8Array, max_chars: number, signal: AbortSignal): Promise<PdfText> {
  const leave = await slots.acquire(signal)
  try {
    return await readInWorker({ bytes, max_chars, ...limits }, signal)
  } finally {
    leave()
  }
}

async function readInWorker(workerData: PdfRequest, signal: AbortSignal): Promise<PdfText> {
  const worker = new Worker(new URL('./pdf-worker.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 },
    // What pdf.js has to say about a file is of no use in our log.
    stdout: true,
    stderr: true,
  })
  const timeout = AbortSignal.timeout(longest)
  const end = AbortSignal.any([signal, timeout])
  try {
    return await new Promise<PdfText>((resolve, reject) => {
      worker.once('message', (reply: PdfReply) => resolve(reply))
      // Out of memory, above all.
      worker.once('error', () => resolve({ ok: false, reason: 'broken' }))
      worker.once('exit', () => resolve({ ok: false, reason: 'broken' }))
      end.addEventListener('abort', () => {
        if (signal.aborted) reject(signal.reason)
        else resolve({ ok: false, reason: 'too_slow' })
      })
    })
  } finally {
    await worker.terminate()
  }
}
