import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hear, openProvider, say, start } from '../provider.testing.ts'
import { startFakeAliyun } from '../testing/fake-aliyun.ts'
import { startFakeOpenaiSpeech } from '../testing/fake-openai-speech.ts'
import { startFakeTencent } from '../testing/fake-tencent.ts'
import { startFakeVolcengine } from '../testing/fake-volcengine.ts'
import { createAliyunSpeech } from './aliyun.ts'
import { signAliyunQuery } from './aliyun-token.ts'
import { createFailures } from './failures.ts'
import { defaultLimits } from './limits.ts'
import { createOpenaiSpeech } from './openai.ts'
import { joinSentences } from './service.ts'
import { createSound } from './sound.ts'
import { createTencentSpeech, signTencentQuery } from './tencent.ts'
import { partsOf } from './texts.ts'
import { createVolcengineSpeech } from './volcengine.ts'
import { messageType, readVolcengine, writeVolcengine } from './volcengine-frames.ts'

describe('aliyun', () => {
  test('signs as the published example does', () => {
    // https://help.aliyun.com/document_detail/113251.html, the example of a GET request.
    const query = signAliyunQuery(
      {
        AccessKeyId: 'my_access_key_id',
        Action: 'CreateToken',
        Version: '2019-02-28',
        Timestamp: '2019-04-18T08:32:31Z',
        Format: 'JSON',
        RegionId: 'cn-shanghai',
        SignatureMethod: 'HMAC-SHA1',
        SignatureVersion: '1.0',
        SignatureNonce: 'b924c8c3-6d03-4c5d-ad36-d984d3116788',
      },
      'my_access_key_secret',
    )
    expect(query.split('&')[0]).toBe('Signature=hHq4yNsPitlfDJ2L0nQPdugdEzM%3D')
  })

  test('one token serves all until shortly before its end', async () => {
    const fake = await start(startFakeAliyun())
    let now = Date.now()
    const { recognizer, synthesizer } = openProvider(createAliyunSpeech, fake.env, {
      clock: { now: () => now },
    })
    await Promise.all([hear(recognizer), hear(recognizer), say(synthesizer, ['你好。'])])
    expect(fake.tokens).toHaveLength(1)
    now += (fake.tokenSeconds - 301) * 1000
    await hear(recognizer)
    expect(fake.tokens).toHaveLength(1)
    // The fake's own clock stays, so that only the driver thinks that it is late.
    now = Date.now() + 1000
    fake.tokenSeconds = 200
    fake.revoke()
    await hear(recognizer)
    await hear(recognizer)
    expect(fake.tokens).toHaveLength(3)
  })

  test('a token that the service no longer takes is replaced without anybody noticing', async () => {
    const fake = await start(startFakeAliyun())
    const { recognizer, synthesizer } = openProvider(createAliyunSpeech, fake.env)
    await hear(recognizer)
    fake.revoke()
    expect(await hear(recognizer)).toBe('今天天气怎么样？')
    fake.revoke()
    expect([...(await say(synthesizer, ['你好。'])).keys()]).toEqual([0])
    expect(fake.tokens).toHaveLength(3)
    fake.revoke()
    const texts = await Promise.all(Array.from({ length: 5 }, () => hear(recognizer)))
    expect(new Set(texts)).toEqual(new Set(['今天天气怎么样？']))
    expect(fake.tokens).toHaveLength(4)
  })

  test.each([
    [{ ALIYUN_ACCESS_KEY_SECRET: 'wrong-secret' }, 'speech.bad_key'],
    [{ ALIYUN_NLS_APP_KEY: 'wrong-app-key' }, 'speech.bad_key'],
  ])('%o is %s', async (wrong, code) => {
    const fake = await start(startFakeAliyun())
    const { recognizer } = openProvider(createAliyunSpeech, { ...fake.env, ...wrong })
    await expect(hear(recognizer)).rejects.toMatchObject({ code })
  })

  test.each([
    [{ is: 'refused', status: 503 }, 'speech.provider_failed'],
    [
      { is: 'refused', status: 400, body: '{"Message":"Request was denied due to user flow control."}' },
      'speech.provider_rate_limited',
    ],
    [{ is: 'malformed' }, 'speech.provider_malformed'],
  ] as const)('a token service with %o is %s', async (fault, code) => {
    const fake = await start(startFakeAliyun())
    const { recognizer } = openProvider(createAliyunSpeech, fake.env)
    fake.tokenFault = fault
    await expect(hear(recognizer)).rejects.toMatchObject({ code })
    expect(await hear(recognizer)).toBe('今天天气怎么样？')
  })

  test('all texts of an answer share a connection; voice and speed are passed on', async () => {
    const fake = await start(startFakeAliyun())
    const { synthesizer } = openProvider(createAliyunSpeech, fake.env)
    await say(synthesizer, ['一。', '二。', '三。'], { voice: 'longwan', speed: 0.8 })
    expect(fake.connections).toBe(1)
    expect(fake.utterances[0]?.parameters).toMatchObject({
      voice: 'longwan',
      speech_rate: -125,
      sample_rate: 24_000,
    })
    await say(synthesizer, ['四。'], { speed: 2 })
    expect(fake.utterances.at(-1)?.parameters).toMatchObject({ voice: 'longxiaochun_v2', speech_rate: 500 })
  })
})

describe('tencent', () => {
  test('signs as the published example does', () => {
    // https://cloud.tencent.com/document/product/1093/48982, section “signature”: the masked values are the example's.
    const { signature } = signTencentQuery(
      'asr.cloud.tencent.com/asr/v2/125922***',
      {
        secretid: '*****Qq1zhZMN8dv0******',
        timestamp: 1673408372,
        expired: 1673494772,
        nonce: 1673408372,
        engine_model_type: '16k_zh',
        voice_id: 'c64385ee-3e5c-4fc5-bbfd-7c71addb35b0',
        voice_format: 1,
        needvad: 1,
      },
      '*****SkqpeHgqmSz*****',
    )
    expect(signature).toBe('G8jDQBRg1JfeBi/YnTjyjekxfDA=')
  })

  test('language, likely words, voice and speed are passed on, under the signature', async () => {
    const fake = await start(startFakeTencent())
    const { recognizer, synthesizer } = openProvider(createTencentSpeech, fake.env)
    await hear(recognizer, { language: 'en-US', hot_words: ['小智', 'has space', 'a,b', '榕树&=?'] })
    expect(fake.recognitions[0]?.parameters).toMatchObject({
      engine_model_type: '16k_en',
      hotword_list: '小智|10,榕树&=?|10',
    })
    await say(synthesizer, ['你好。'], { voice: '101016', speed: 1.35 })
    expect(fake.utterances[0]?.parameters).toMatchObject({
      VoiceType: '101016',
      SampleRate: '16000',
      Speed: '1.5',
    })
    await say(synthesizer, ['你好。'], { speed: 0.5 })
    expect(fake.utterances[1]?.parameters).toMatchObject({ Speed: '-2', SampleRate: '24000' })
  })

  test('a voice that is no number is not asked for', async () => {
    const fake = await start(startFakeTencent())
    const { synthesizer } = openProvider(createTencentSpeech, fake.env)
    await expect(say(synthesizer, ['你好。'], { voice: 'longwan' })).rejects.toMatchObject({
      code: 'speech.voice_not_found',
    })
    expect(fake.connections).toBe(0)
  })

  test.each<Record<string, string>>([
    { TENCENT_SECRET_KEY: 'wrong-secret' },
    { TENCENT_SECRET_ID: 'wrong-id' },
  ])('%o is refused', async wrong => {
    const fake = await start(startFakeTencent())
    const { recognizer, synthesizer } = openProvider(createTencentSpeech, { ...fake.env, ...wrong })
    await expect(hear(recognizer)).rejects.toMatchObject({ code: 'speech.bad_key' })
    await expect(say(synthesizer, ['你好。'])).rejects.toMatchObject({ code: 'speech.bad_key' })
  })

  test('a recording goes out no faster than the service takes it, and whole', async () => {
    const fake = await start(startFakeTencent())
    const { recognizer } = openProvider(createTencentSpeech, fake.env)
    expect(await hear(recognizer, {}, 4_000)).toBe('今天天气怎么样？')
    expect(fake.recognitions[0]?.bytes).toBe(4 * 32_000)
  })
})

describe('volcengine', () => {
  test('an account with the first generation only is served by that', async () => {
    const fake = await start(startFakeVolcengine())
    fake.resources = ['volc.bigasr.sauc.duration']
    const { recognizer } = openProvider(createVolcengineSpeech, fake.env)
    const texts = await Promise.all(Array.from({ length: 3 }, () => hear(recognizer)))
    expect(new Set(texts)).toEqual(new Set(['今天天气怎么样？']))
    expect(await hear(recognizer)).toBe('今天天气怎么样？')
    fake.resources = []
    await expect(hear(recognizer)).rejects.toMatchObject({ code: 'speech.bad_key' })
  })

  test('the key of the newer console is enough', async () => {
    const fake = await start(startFakeVolcengine())
    const { recognizer, synthesizer } = openProvider(createVolcengineSpeech, {
      ...fake.envWithApiKey,
      // With a slash at the end, as people write it.
      VOLCENGINE_TTS_URL: `${fake.envWithApiKey.VOLCENGINE_TTS_URL}/`,
    })
    expect(await hear(recognizer, { hot_words: ['小智'] })).toBe('今天天气怎么样？')
    expect(fake.recognitions[0]?.parameters).toMatchObject({
      audio: { format: 'pcm', rate: 16_000, bits: 16, channel: 1 },
      request: { corpus: { context: '{"hotwords":[{"word":"小智"}]}' } },
    })
    expect((await say(synthesizer, ['你好。'])).size).toBe(1)
  })

  test('all texts of an answer share a connection; each voice is asked of its own generation', async () => {
    const fake = await start(startFakeVolcengine())
    const { synthesizer } = openProvider(createVolcengineSpeech, fake.env)
    await say(synthesizer, ['一。', '二。', '三。'], { speed: 1.5 })
    expect(fake.connections).toBe(1)
    expect(fake.utterances[0]?.parameters).toMatchObject({
      speaker: 'zh_female_vv_uranus_bigtts',
      audio_params: { format: 'pcm', sample_rate: 24_000, speech_rate: 50 },
      headers: { 'x-api-resource-id': 'seed-tts-2.0' },
    })
    await say(synthesizer, ['一。'], { voice: 'zh_female_shuangkuaisisi_moon_bigtts' })
    expect(fake.utterances.at(-1)?.parameters).toMatchObject({
      headers: { 'x-api-resource-id': 'seed-tts-1.0' },
    })
    await expect(say(synthesizer, ['一。'], { voice: 'S_mine' })).rejects.toMatchObject({
      code: 'speech.bad_key',
    })
  })

  test('frames of any kind come back as they were, and no bytes at all break the reader otherwise than by an error', () => {
    const payload = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes))
    const id = fc.string({ maxLength: 40 })
    fc.assert(
      fc.property(payload, fc.integer({ min: 100, max: 400 }), id, (bytes, event, session) => {
        const message = { type: messageType.fullServer, flags: 0b100, event, id: session, payload: bytes }
        expect(readVolcengine(writeVolcengine(message))).toMatchObject({ event, id: session, payload: bytes })
      }),
    )
    fc.assert(
      fc.property(payload, bytes => {
        try {
          readVolcengine(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
    )
  })
})

describe('openai', () => {
  test('model, language, likely words, voice and speed are passed on', async () => {
    const fake = await start(startFakeOpenaiSpeech())
    const { recognizer, synthesizer } = openProvider(createOpenaiSpeech, {
      ...fake.env,
      OPENAI_SPEECH_RECOGNITION_MODEL: 'whisper-1',
      SPEECH_VOICE: 'coral',
    })
    await hear(recognizer, { language: 'zh-CN', hot_words: ['小智', '榕树'] })
    expect(fake.recognitions[0]?.parameters).toMatchObject({
      model: 'whisper-1',
      language: 'zh',
      prompt: '小智, 榕树',
      rate: 16_000,
    })
    await say(synthesizer, ['你好。'], { speed: 1.25 })
    expect(fake.utterances[0]?.parameters).toEqual({
      model: 'gpt-4o-mini-tts',
      voice: 'coral',
      response_format: 'pcm',
      speed: 1.25,
    })
  })

  test('a text longer than the service takes goes in parts', async () => {
    const fake = await start(startFakeOpenaiSpeech())
    const { synthesizer } = openProvider(createOpenaiSpeech, fake.env)
    const heard = await say(synthesizer, ['字'.repeat(4_100)], { sample_rate: 24_000 })
    expect(fake.utterances.map(({ text }) => text.length)).toEqual([4_000, 100])
    expect(heard.get(0)?.length).toBe(4_100 * 2_400)
  })

  test('a recording larger than an upload may be is told so', async () => {
    const fake = await start(startFakeOpenaiSpeech())
    const { recognizer } = openProvider(createOpenaiSpeech, fake.env)
    const recognition = recognizer.open({ sample_rate: 16_000, signal: new AbortController().signal })
    for (let i = 0; i < 14; i++) recognition.write(new Int16Array(16_000 * 60))
    await expect(recognition.finish()).rejects.toMatchObject({ code: 'speech.audio_too_long' })
    expect(fake.recognitions).toEqual([])
  })
})

describe('what the drivers share', () => {
  const openSound = (limits = defaultLimits) => {
    const controller = new AbortController()
    onTestFinished(() => controller.abort())
    let left = 0
    const sound = createSound({
      sample_rate: 1_000,
      signal: controller.signal,
      limits,
      failures: createFailures('x', () => []),
      onLeave: () => left++,
    })
    sound.begin(0, 1_000)
    return { sound, left: () => left }
  }

  test('a slow listener holds the service up, and lets it go on', async () => {
    const { sound } = openSound()
    const second = Buffer.alloc(2_000)
    let taken = 0
    while (sound.write(second)) taken++
    expect(taken).toBe(19)
    let isRoomy = false
    void sound.room().then(() => {
      isRoomy = true
    })
    const listener = sound.audio[Symbol.asyncIterator]()
    for (let i = 0; i < 10; i++) await listener.next()
    expect(isRoomy).toBe(false)
    await listener.next()
    await sound.room()
    expect(isRoomy).toBe(true)
    expect(sound.write(second)).toBe(true)
  })

  test('more sound than anybody could have asked for is an error', () => {
    const { sound } = openSound({ ...defaultLimits, audio_seconds: 2 })
    expect(() => {
      for (let i = 0; i < 4; i++) sound.write(Buffer.alloc(2_000))
    }).toThrow('more than 2 s of sound')
  })

  test('a listener that leaves is told once, and waiting for room is then no waiting', async () => {
    const { sound, left } = openSound()
    while (sound.write(Buffer.alloc(2_000)));
    for await (const _ of sound.audio) break
    expect(left()).toBe(1)
    await sound.room()
    expect(sound.write(Buffer.alloc(60_000))).toBe(true)
  })

  test('parts of a text are the text, never longer than they may be, and cut no character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.integer({ min: 2, max: 20 }),
        (text, most) => {
          const parts = partsOf(text, most)
          expect(parts.join('')).toBe(text)
          for (const part of parts) {
            expect(part.length).toBeLessThanOrEqual(most)
            expect(part.isWellFormed()).toBe(true)
          }
        },
      ),
    )
  })

  test('sentences are joined as they are written', () => {
    expect(joinSentences(['你好。', '我是 Ann.', 'Who are you?', '谢谢', '', '2 个'])).toBe(
      '你好。我是 Ann. Who are you?谢谢2 个',
    )
  })
})
