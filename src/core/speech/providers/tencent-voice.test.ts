import { expect, test } from 'vitest'
import { openProvider, say, start } from '../provider.testing.ts'
import { startFakeTencentVoice } from '../testing/fake-tencent.ts'
import { createTencentSpeech } from './tencent.ts'
import { signTc3 } from './tencent-voice.ts'

const open = async () => {
  const fake = await start(startFakeTencentVoice())
  return { fake, ...openProvider(createTencentSpeech, fake.env) }
}

test('signs as the published example does', () => {
  // https://cloud.tencent.com/document/api/213/30654, “TC3-HMAC-SHA256”: the key is the asterisks that mask it.
  const payload = '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
  const authorization = signTc3(
    { secretId: `AKID${'*'.repeat(32)}`, secretKey: '*'.repeat(32) },
    {
      service: 'cvm',
      host: 'cvm.tencentcloudapi.com',
      action: 'DescribeInstances',
      timestamp: 1551113065,
      payload,
    },
  )
  expect(authorization).toBe(
    `TC3-HMAC-SHA256 Credential=AKID${'*'.repeat(32)}/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f`,
  )
})

test('language, voice, speed and rate are passed on', async () => {
  const { fake, synthesizer } = await open()
  await say(synthesizer, ['Hello.'], { voice: '101050', language: 'en-US', speed: 1.35 })
  await say(synthesizer, ['你好。'])
  expect(fake.utterances.map(({ parameters }) => parameters)).toEqual([
    { VoiceType: 101_050, PrimaryLanguage: 2, SampleRate: 16_000, Codec: 'pcm', Speed: 1.5 },
    { VoiceType: 502_001, PrimaryLanguage: 1, SampleRate: 24_000, Codec: 'pcm', Speed: 0 },
  ])
})

test('a text longer than a request may hold goes in parts', async () => {
  const { fake, synthesizer } = await open()
  const heard = await say(synthesizer, ['字'.repeat(400), 'word '.repeat(120)])
  expect(fake.utterances.map(({ text }) => text.length)).toEqual([150, 150, 100, 500, 100])
  expect([...heard.values()].map(pcm => pcm.length)).toEqual([400 * 2_400, 600 * 2_400])
})

test.each<[Record<string, string>]>([
  [{ TENCENT_SECRET_KEY: 'wrong-secret' }],
  [{ TENCENT_SECRET_ID: 'wrong-id' }],
])('%o is refused', async wrong => {
  const fake = await start(startFakeTencentVoice())
  const { synthesizer } = openProvider(createTencentSpeech, { ...fake.env, ...wrong })
  await expect(say(synthesizer, ['你好。'])).rejects.toMatchObject({ code: 'speech.bad_key' })
  expect(fake.utterances).toEqual([])
})

test('a clock that is wrong is refused', async () => {
  const fake = await start(startFakeTencentVoice())
  const clock = { now: () => Date.now() - 600_000 }
  const { synthesizer } = openProvider(createTencentSpeech, fake.env, { clock })
  await expect(say(synthesizer, ['你好。'])).rejects.toMatchObject({ code: 'speech.bad_key' })
})

test.each([
  ['base64 with a letter that is none', (audio: string) => `${audio.slice(0, 100)}*${audio.slice(101)}`],
  ['base64 that is cut off', (audio: string) => audio.slice(0, -3)],
  ['no sound', () => ''],
])('%s makes no sense', async (_, spoil) => {
  const { fake, synthesizer } = await open()
  fake.spoil = spoil
  await expect(say(synthesizer, ['你好。'])).rejects.toMatchObject({ code: 'speech.provider_malformed' })
})

test('a voice that is no number is not asked for', async () => {
  const { fake, synthesizer } = await open()
  await expect(say(synthesizer, ['你好。'], { voice: 'longwan' })).rejects.toMatchObject({
    code: 'speech.voice_not_found',
  })
  expect(fake.connections).toBe(0)
})
