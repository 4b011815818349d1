import { integer, list } from '#core/config.ts'

/** The settings of talking with devices. */
export const talkSettings = {
  DEVICES_WAKE_WORDS: list(
    'Words by which devices are called. A device that detects one of them asks nothing yet; whatever else it detects is taken for a question.',
    '你好小智,小智小智,嗨小智,你好小榕,Hi ESP,Hi Lexin,Jarvis,Alexa,Computer',
    { reloadable: true },
  ),
  DEVICES_SILENCE_MS: integer(
    'Milliseconds of silence after which a device’s user has finished speaking.',
    700,
    {
      min: 200,
      max: 5000,
      reloadable: true,
    },
  ),
  DEVICES_LONGEST_SPEECH_SECONDS: integer('Longest speech without a pause; then it is taken as it is.', 60, {
    min: 5,
    max: 600,
    reloadable: true,
  }),
  DEVICES_HELLO_SECONDS: integer('Seconds within which a connection must send its first message.', 10, {
    min: 1,
    max: 300,
    reloadable: true,
  }),
  DEVICES_IDLE_SECONDS: integer(
    'Seconds without speech and messages after which a device’s connection is closed; a ping counts as a message.',
    120,
    { min: 5, max: 86_400, reloadable: true },
  ),
  DEVICES_MAX_CONNECTIONS: integer('Most connections of devices and apps in one process.', 20_000, {
    min: 1,
    reloadable: true,
  }),
  DEVICES_TURN_MONTHS: integer(
    'Months for which the times of spoken exchanges are kept, besides the running one.',
    6,
    { min: 1, max: 120 },
  ),
}
