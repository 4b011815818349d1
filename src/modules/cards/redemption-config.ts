import { integer, text } from '#core/config.ts'

const live = { reloadable: true } as const

export const redemptionSettings = {
  CARDS_FAILURES_PER_USER: integer(
    'Codes that do not work which a user may enter before having to wait: 10 seconds, doubled with each further one.',
    5,
    { min: 1, ...live },
  ),
  CARDS_FAILURES_PER_ADDRESS: integer(
    'The same for everybody behind one IP address (IPv6: one /64 network).',
    30,
    { min: 1, ...live },
  ),
  CARDS_FAILURES_PER_MINUTE: integer(
    'Codes that do not work, in the whole installation, in a minute. Beyond it, whoever has entered one lately waits a minute; others do not.',
    300,
    { min: 1, ...live },
  ),
  CARDS_LOCKOUT_MINUTES: integer(
    'The longest wait after codes that do not work. A day after it, they are forgotten.',
    60,
    { min: 1, max: 10_080, ...live },
  ),
  CARDS_ALERT_LOCKOUTS: integer(
    'Operators are told when so many users and addresses are at the longest wait within an hour, or when the limit a minute is reached.',
    5,
    { min: 1, ...live },
  ),
  CARDS_USAGE_RETENTION_MONTHS: integer('Months that the usage log of cards is kept. 0: for ever.', 36),
  CARDS_REGION_HEADER: text(
    'Request header in which your reverse proxy says where a request comes from, such as cf-ipcountry. Believed only from TRUSTED_PROXIES. Without it, the city of the user’s profile counts.',
    '',
    { example: 'x-region', ...live },
  ),
}
