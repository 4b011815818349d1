/** How long a service may take, in milliseconds, and how much it may send. */
export type Limits = {
  /** Until the connection stands and the service is ready. */
  connect_ms: number
  /** Until the first sound of a text, or the final text of an utterance. */
  first_ms: number
  /** Between two pieces of an answer that has begun. What is no piece of it, such as a heartbeat, does not count. */
  idle_ms: number
  /** Between two pieces of sound that are recognised, and two texts of an answer: an abandoned one does not stay. */
  rest_ms: number
  /** Largest message that is read. */
  message_bytes: number
  /** Longest text of one utterance, in UTF-16 units. */
  text_length: number
  /** Most sound that one synthesis may bring, in seconds. */
  audio_seconds: number
}

export const defaultLimits: Limits = {
  connect_ms: 8_000,
  first_ms: 15_000,
  idle_ms: 10_000,
  rest_ms: 60_000,
  message_bytes: 8 * 1024 * 1024,
  text_length: 200_000,
  audio_seconds: 30 * 60,
}
