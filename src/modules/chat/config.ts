import { integer, text } from '#core/config.ts'

/** The settings of Chat. */
export const chatSettings = {
  CHAT_SYSTEM_PROMPT: text(
    'What every conversation without a bot begins with, for the model only.',
    'You are a helpful assistant. Answer in the language of the question.',
    { reloadable: true },
  ),
  CHAT_MESSAGE_MAX_CHARS: integer('Longest message a user may send, in characters.', 100_000, {
    min: 100,
    max: 500_000,
    reloadable: true,
  }),
  CHAT_ANSWER_MAX_TOKENS: integer(
    'Longest answer, in tokens. This much of the context window is kept free for it. 0: what the model allows.',
    0,
    { max: 1_000_000, reloadable: true },
  ),
  CHAT_MEMORY_TOKENS: integer(
    'What bots remember of a user may take up in a prompt, in tokens. 0: nothing of it is told.',
    600,
    { max: 20_000, reloadable: true },
  ),
  CHAT_MEMORY_MODEL: text(
    'The model that looks for what is worth remembering, such as a small one. Empty: that of the conversation.',
    '',
    { reloadable: true },
  ),
  CHAT_MAX_RUNNING_TURNS: integer(
    'Answers that are written at once per process. Ten times as many may wait.',
    200,
    { min: 1, max: 10_000 },
  ),
  CHAT_DELETED_DAYS: integer('Days for which a deleted conversation can be brought back.', 30, { min: 1 }),
  CHAT_TEMPORARY_HOURS: integer(
    'Hours after its last message when a temporary conversation is removed.',
    24,
    {
      min: 1,
    },
  ),
  CHAT_ATTACHMENT_MAX_MB: integer('Largest file that can be attached to a message, in MB.', 20, {
    min: 1,
    max: 100,
    reloadable: true,
  }),
  CHAT_ATTACHMENT_TOTAL_MB: integer('What all files of one user may take up, in MB.', 1000, {
    min: 1,
    reloadable: true,
  }),
  CHAT_ATTACHMENT_TEXT_CHARS: integer(
    'How much text of a file is kept for the model, in characters.',
    400_000,
    {
      min: 1000,
      max: 5_000_000,
      reloadable: true,
    },
  ),
  CHAT_IMPORT_MAX_MB: integer('Largest file of conversations that can be imported, in MB.', 100, {
    min: 1,
    max: 2000,
    reloadable: true,
  }),
}
