/** Sound, everywhere inside Banyan: 16-bit mono samples. */
export type Pcm = Int16Array

/** What a driver can fail with is `speech.*` of `errors.ts`; an aborted signal rejects with its reason. */
export type RecognitionOptions = {
  /** Samples a second of what will be written. Drivers resample where their service wants another. */
  sample_rate: number
  /** BCP 47, such as `zh-CN`. Default: the driver's. */
  language?: string
  /** Words that are likely, such as the toy's name. Drivers that cannot use them ignore them. */
  hot_words?: readonly string[]
  /** Who speaks, such as a device's id. Only the scripted recogniser minds: each speaker has a place in its script. */
  speaker?: string
  signal: AbortSignal
  /** The text so far, each time it changes. */
  onPartial?: (text: string) => void
}

/** One utterance being recognised while it is spoken. */
export type Recognition = {
  /** More sound, in pieces of any length. Never blocks; what is written after `finish` is dropped. */
  write(pcm: Pcm): void
  /** No more sound follows. The final text, '' when nothing was said. @throws AppError `speech.*` */
  finish(): Promise<string>
}

export type Recognizer = {
  /** `aliyun`, `tencent`, `volcengine`, `openai`, `scripted`: as in SPEECH_RECOGNIZER. */
  name: string
  /** Starts at once; a connection that fails shows in `finish`. */
  open(options: RecognitionOptions): Recognition
}

export type SynthesisOptions = {
  /** Samples a second that are wanted back. */
  sample_rate: number
  /** A voice of the driver; default: SPEECH_VOICE, or the driver's own. */
  voice?: string
  language?: string
  /** 1 is normal, 0.5 to 2. */
  speed?: number
  signal: AbortSignal
}

/** One answer being spoken while it is written: text goes in, sound comes out, in order. */
export type Synthesis = {
  /** One sentence, or a part that can be spoken by itself. */
  write(text: string): void
  /** No more text follows; `audio` ends when all of it was spoken. */
  end(): void
  /** Pieces of any length, each with the index of the written text (from 0) that it belongs to. */
  audio: AsyncIterable<{ pcm: Pcm; index: number }>
}

export type Voice = { id: string; name: string; language: string }

export type Synthesizer = {
  /** `volcengine`, `aliyun`, `tencent`, `openai`, `espeak`: as in SPEECH_SYNTHESIZER. */
  name: string
  /** A preview engine: its output is labelled so wherever people meet it. */
  is_preview: boolean
  voices: readonly Voice[]
  open(options: SynthesisOptions): Synthesis
}

/** A driver is made from the settings, or is null where its keys are not set. */
export type SpeechProvider = { recognizer: Recognizer | null; synthesizer: Synthesizer | null }
