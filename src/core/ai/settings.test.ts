import { expect, test } from 'vitest'
import { loadConfig } from '#core/config.ts'
import { providerPresets } from './provider-presets.ts'
import { aiSettings } from './settings.ts'

const read = (env: Record<string, string>) => loadConfig(aiSettings, { env }).values

test('every preset can be set up by the environment', () => {
  const names = Object.keys(aiSettings)
  for (const { key_env, url_env } of providerPresets) {
    expect(names).toContain(url_env)
    if (key_env !== null) expect(names).toContain(key_env)
  }
})

test('keys are secret, and all that concerns providers is re-read on SIGHUP', () => {
  for (const [name, setting] of Object.entries(aiSettings)) {
    if (name.endsWith('_API_KEY')) expect(setting.secret, name).toBe(true)
    if (/_API_KEY$|_URL$|SPEND_CAP/.test(name)) expect(setting.reloadable, name).toBe(true)
  }
})

test('amounts are read as micro-units', () => {
  expect(read({}).AI_SPEND_CAP_DAY).toBe(0)
  expect(read({ AI_SPEND_CAP_DAY: '7.50' }).AI_SPEND_CAP_DAY).toBe(7_500_000)
  expect(read({ AI_SPEND_CAP_DAY: '0.000001' }).AI_SPEND_CAP_DAY).toBe(1)
  for (const wrong of ['-1', '1,5', '1e3', 'ten', '0.0000001', '1 CNY'])
    expect(() => read({ AI_SPEND_CAP_MONTH: wrong }), wrong).toThrow('AI_SPEND_CAP_MONTH must be an amount')
})

test('exchange rates are read as a table', () => {
  expect(read({}).AI_EXCHANGE_RATES).toEqual({ USD: 7.2 })
  expect(read({ AI_EXCHANGE_RATES: 'USD=7.1, EUR=8' }).AI_EXCHANGE_RATES).toEqual({ USD: 7.1, EUR: 8 })
  for (const wrong of ['USD', 'usd=1', 'USD=0', 'USD=x'])
    expect(() => read({ AI_EXCHANGE_RATES: wrong }), wrong).toThrow('AI_EXCHANGE_RATES must be a list')
})
