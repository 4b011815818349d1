import { choice, flag, integer, list, secret, text, url } from './config.ts'

/** The settings of the core. Modules have their own in `config.ts`. */
export const coreSettings = {
  PORT: integer('Port of the app and the API.', 8080, { max: 65_535 }),
  HOST: text('Address to listen on. 0.0.0.0 opens the server to the network.', '127.0.0.1'),
  PUBLIC_URL: url(
    'Address under which people reach this server, for links in e-mails and for cookies. Default: what the server listens on.',
    ['http', 'https'],
    { example: 'https://ai.example.com' },
  ),
  DATA_DIR: text('Directory of the embedded database, the keys and the uploaded files.', 'data'),
  LOG_LEVEL: choice('How much is logged.', ['debug', 'info', 'warn', 'error', 'silent'], 'info', {
    reloadable: true,
  }),

  DATABASE_URL: secretUrl(
    'An external PostgreSQL (15 or newer) instead of the embedded one. SECRET_KEY is then required.',
    'postgres://banyan:password@db:5432/banyan',
  ),
  DATABASE_REPLICA_URL: secretUrl(
    'A standby that streams from that PostgreSQL, for lists, search, statistics and exports. One’s own changes are seen at once, those of others at most ten seconds late; while it is away, the primary answers.',
    'postgres://banyan:password@replica:5432/banyan',
  ),
  DATABASE_POOL_SIZE: integer('Connections to the database per process.', 10, { min: 2, max: 500 }),
  DATABASE_STATEMENT_TIMEOUT_MS: integer('Longest time of one query, in milliseconds.', 30_000, { min: 100 }),
  DATABASE_SLOW_QUERY_MS: integer('Queries that take longer are logged, in milliseconds. 0: none.', 500),
  REDIS_URL: secretUrl(
    'A Redis for cache, live updates and rate limits. Needed as soon as two processes serve one database.',
    'redis://localhost:6379',
    ['redis', 'rediss'],
  ),
  SECRET_KEY: secret(
    'At least 32 characters that sign tokens and encrypt secrets. Required with DATABASE_URL; otherwise made on first start beside the data.\nSeveral, separated by commas: the first is used, the others are still accepted.',
  ),

  TRUSTED_PROXIES: list('Addresses or networks of reverse proxies whose X-Forwarded-For is believed.', '', {
    example: '127.0.0.1,10.0.0.0/8',
  }),
  CORS_ALLOWED_ORIGINS: list(
    'Origins of other web apps that may call the API from a browser. None by default.',
    '',
    {
      reloadable: true,
      example: 'https://app.example.com',
    },
  ),
  HTTP_ENVELOPE: flag('Wrap every answer as {status, code, data, message}.', false, { reloadable: true }),
  HTTP_BODY_LIMIT_BYTES: integer('Largest request body that is not an upload, in bytes.', 1_048_576, {
    min: 1024,
  }),
  RATE_LIMIT_READ_PER_MINUTE: integer(
    'Reads a minute per user, or per address without sign-in. 0: no limit.',
    1200,
    {
      reloadable: true,
    },
  ),
  RATE_LIMIT_WRITE_PER_MINUTE: integer('Writes a minute per user or address. 0: no limit.', 300, {
    reloadable: true,
  }),
  RATE_LIMIT_AUTH_PER_MINUTE: integer(
    'Sign-ins, sign-ups and the like a minute per address. 0: no limit.',
    30,
    {
      reloadable: true,
    },
  ),
  RATE_LIMIT_AI_PER_MINUTE: integer('Requests to models a minute per user. 0: no limit.', 120, {
    reloadable: true,
  }),
  OUTBOUND_ALLOW: list(
    'Hosts, host:port or networks inside the private address space that the server may call (a local model server, for example).',
    '',
    { reloadable: true, example: 'localhost:11434,10.1.0.0/16' },
  ),

  SMTP_URL: secretUrl(
    'Mail server. Without it, mail lands on the administrators’ mailbox page.',
    'smtp://user:password@mail.example.com:587',
    ['smtp', 'smtps'],
  ),
  MAIL_FROM: text('Sender of e-mails.', 'Banyan <banyan@localhost>'),

  OTEL_EXPORTER_OTLP_ENDPOINT: url('OTLP/HTTP endpoint for traces. Off when empty.', ['http', 'https'], {
    example: 'http://localhost:4318',
  }),
  METRICS_TOKEN: secret(
    'Bearer token that /metrics asks for. Without it, /metrics answers loopback callers only.',
  ),
  JOBS_CONCURRENCY: integer(
    'Background jobs that run at once per process, and half as many deliveries of events.',
    5,
    { min: 1, max: 100 },
  ),
  SHUTDOWN_TIMEOUT_MS: integer('Longest time of a graceful stop, in milliseconds.', 30_000, { min: 1000 }),
}

function secretUrl(doc: string, example: string, schemes = ['postgres', 'postgresql']) {
  return url(doc, schemes, { secret: true, example })
}
