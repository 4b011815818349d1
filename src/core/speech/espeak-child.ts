/*
 * The program that espeak.ts runs when the system has no espeak-ng: eSpeak NG compiled to WebAssembly (GPL 3), in a
 * process of its own, and never loaded by the server. Tasks come in as lines of JSON, one at a time; frames go out: one
 * byte for the kind, four for the length, the payload.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'

type Task = { text: string; voice: string; speed: number }
type Engine = {
  set_voice(id: string): number
  set_rate(wordsPerMinute: number): void
  get_samplerate(): number
  /** Calls back with each piece as soon as it is made. */
  synthesize(text: string, onPiece: (pcm: Int16Array | null) => boolean): void
}

const kinds = { audio: 1, done: 2 }
const wordsPerMinute = 165

// A name that the type checker does not follow: the package has no types.
const name = '@echogarden/espeak-ng-emscripten'
const { default: load } = await import(name)
const engine: Engine = new (await load()).eSpeakNGWorker()

function send(kind: number, payload: Uint8Array): void {
  const frame = Buffer.alloc(5 + payload.length)
  frame[0] = kind
  frame.writeUInt32LE(payload.length, 1)
  frame.set(payload, 5)
  // Written at once and not when the engine is done, since the engine does not return before that.
  for (let at = 0; at < frame.length; ) at += writeSync(1, frame, at)
}

const rate = Buffer.alloc(4)
rate.writeUInt32LE(engine.get_samplerate())

for await (const line of createInterface({ input: process.stdin })) {
  const { text, voice, speed } = JSON.parse(line) as Task
  engine.set_voice(voice)
  engine.set_rate(Math.round(wordsPerMinute * speed))
  engine.synthesize(text, pcm => {
    if (pcm && pcm.length > 0) send(kinds.audio, new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength))
    return false
  })
  send(kinds.done, rate)
}
// The server is gone.
process.exit(0)
