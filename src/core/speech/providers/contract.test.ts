import { providerContract } from '../provider.contract.ts'
import { startFakeAliyun } from '../testing/fake-aliyun.ts'
import { startFakeOpenaiSpeech } from '../testing/fake-openai-speech.ts'
import { startFakeTencent, startFakeTencentVoice } from '../testing/fake-tencent.ts'
import { startFakeVolcengine } from '../testing/fake-volcengine.ts'
import { createAliyunSpeech } from './aliyun.ts'
import { createOpenaiSpeech } from './openai.ts'
import { createTencentSpeech } from './tencent.ts'
import { createVolcengineSpeech } from './volcengine.ts'

providerContract('aliyun', { start: startFakeAliyun, create: createAliyunSpeech, joinsSentences: true })
providerContract('tencent', { start: startFakeTencent, create: createTencentSpeech, joinsSentences: true })
providerContract('tencent by TextToVoice', {
  start: startFakeTencentVoice,
  create: createTencentSpeech,
  isAsked: true,
  isWhole: true,
  isOnlySynthesis: true,
})
providerContract('volcengine', { start: startFakeVolcengine, create: createVolcengineSpeech })
providerContract('openai', { start: startFakeOpenaiSpeech, create: createOpenaiSpeech, isAsked: true })
