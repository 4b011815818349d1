/** Runs in the audio thread: hands on what the microphone gives, 128 samples at a time. */

declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void

class Capture extends AudioWorkletProcessor {
  process([channels]: Float32Array[][]): boolean {
    const samples = channels?.[0]
    // A copy: the thread uses its memory again.
    if (samples) this.port.postMessage(samples.slice())
    return true
  }
}

registerProcessor('capture', Capture)
