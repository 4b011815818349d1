import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigError, choice, flag, integer, list, loadConfig, secret, text, url } from './config.ts'

const spec = {
  PORT: integer('Port.', 8080, { min: 1, max: 65_535 }),
  LOG_LEVEL: choice('Level.', ['info', 'warn'], 'info', { reloadable: true }),
  NAME: text('Name.', 'Banyan'),
  ORIGINS: list('Origins.'),
  OPEN: flag('Open.', false),
  SITE: url('Site.', ['http', 'https']),
  KEY: secret('Key.'),
}

const envFile = (content: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'banyan-env-')), '.env')
  writeFileSync(path, content)
  return path
}

test('the environment wins over .env, which wins over the default', () => {
  const file = envFile(
    'PORT=9000\nNAME="From file" # a comment\nexport OPEN=yes\n# NAME=commented out\nORIGINS=a, b ,,c # three\n',
  )
  const { values } = loadConfig(spec, { env: { PORT: '9001', SITE: '' }, envFile: file })
  expect(values).toEqual({
    PORT: 9001,
    LOG_LEVEL: 'info',
    NAME: 'From file',
    ORIGINS: ['a', 'b', 'c'],
    OPEN: true,
    SITE: '',
    KEY: '',
  })
})

test('all wrong settings are named at once, and no value is shown', () => {
  const env = {
    PORT: 'eighty',
    LOG_LEVEL: 'loud',
    OPEN: 'perhaps',
    SITE: 'ftp://user:hunter2@host',
    KEY: 'hunter2',
  }
  let message = ''
  try {
    loadConfig(spec, { env })
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    message = String(error)
  }
  for (const name of ['PORT', 'LOG_LEVEL', 'OPEN', 'SITE']) expect(message).toContain(name)
  for (const value of ['eighty', 'loud', 'perhaps', 'hunter2']) expect(message).not.toContain(value)
})

test('reload takes over what is reloadable, in the same object, and nothing when one is wrong', () => {
  const file = envFile('LOG_LEVEL=info\nNAME=one\n')
  const config = loadConfig(spec, { env: {}, envFile: file })
  const { values } = config
  writeFileSync(file, 'LOG_LEVEL=warn\nNAME=two\n')
  expect(config.reload()).toEqual(['LOG_LEVEL'])
  expect(values.LOG_LEVEL).toBe('warn')
  expect(values.NAME).toBe('one')
  writeFileSync(file, 'LOG_LEVEL=info\nPORT=-1\n')
  expect(() => config.reload()).toThrow('PORT')
  expect(values.LOG_LEVEL).toBe('warn')
})

test('.env.example lists every setting of the core and the modules, and is up to date', async () => {
  const { allSettingGroups } = await import('../commands/settings.ts')
  const { envExample } = await import('./config.ts')
  expect(readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')).toBe(
    envExample(await allSettingGroups()),
  )
})
