import { choice, secret, text, url } from '#core/config.ts'

const endpoint = (what: string, example: string, schemes: readonly string[] = ['wss', 'ws']) =>
  url(`Another address for ${what}: a region or a gateway of your own.`, schemes, { example })

/** The settings of speech: which engine listens, which one speaks, and the keys of their services. */
export const speechSettings = {
  SPEECH_RECOGNIZER: choice(
    'What turns speech into text. auto: the first service below whose keys are set; without one, speech is not recognised.\nscripted hears nothing and answers with the lines of SPEECH_SCRIPT: for tests and demonstrations only.',
    ['auto', 'aliyun', 'tencent', 'volcengine', 'openai', 'scripted'],
    'auto',
  ),
  SPEECH_SCRIPT: text(
    'What the scripted recogniser “hears”, one line after another, separated by |.',
    '你好，你是谁？|给我讲个故事吧。|今天天气怎么样？',
  ),
  SPEECH_SYNTHESIZER: choice(
    'What turns text into speech. auto: the first service below whose keys are set, else espeak.\nespeak (eSpeak NG) needs no network and sounds like a machine: a preview.',
    ['auto', 'aliyun', 'tencent', 'volcengine', 'openai', 'espeak'],
    'auto',
  ),
  SPEECH_VOICE: text(
    'Voice that speaks where nobody chose one, by its id at the engine. Default: the engine’s own.',
    '',
    { example: 'longxiaochun' },
  ),

  ALIYUN_ACCESS_KEY_ID: secret('AccessKey id of Alibaba Cloud, for Intelligent Speech Interaction (NLS).'),
  ALIYUN_ACCESS_KEY_SECRET: secret('AccessKey secret of Alibaba Cloud.'),
  ALIYUN_NLS_APP_KEY: secret('AppKey of the NLS project.'),
  ALIYUN_NLS_REGION: text('Region of the NLS service.', 'cn-shanghai', { example: 'cn-shanghai' }),
  ALIYUN_NLS_URL: endpoint('the NLS gateway', 'wss://nls-gateway-cn-beijing.aliyuncs.com/ws/v1'),
  ALIYUN_NLS_TOKEN_URL: endpoint(
    'the service that gives out NLS tokens',
    'https://nls-meta.cn-shanghai.aliyuncs.com/',
    ['https', 'http'],
  ),

  TENCENT_APP_ID: text('AppID of Tencent Cloud, for its speech services.', '', { example: '1250000000' }),
  TENCENT_SECRET_ID: secret('SecretId of Tencent Cloud.'),
  TENCENT_SECRET_KEY: secret('SecretKey of Tencent Cloud.'),
  TENCENT_ASR_URL: endpoint('Tencent’s recognition', 'wss://asr.cloud.tencent.com'),
  TENCENT_TTS_URL: url(
    'Another address for Tencent’s synthesis: a region or a gateway of your own.\nOne of https is asked by TextToVoice, for accounts without the synthesis of flowing text.',
    ['wss', 'ws', 'https', 'http'],
    { example: 'https://tts.tencentcloudapi.com' },
  ),

  VOLCENGINE_SPEECH_APP_ID: text('App id of Volcengine’s speech console.', '', { example: '1234567890' }),
  VOLCENGINE_SPEECH_ACCESS_TOKEN: secret('Access token of that app.'),
  VOLCENGINE_SPEECH_API_KEY: secret(
    'API key of Volcengine’s newer speech console, instead of app id and access token.',
  ),
  VOLCENGINE_ASR_URL: endpoint('Volcengine’s recognition', 'wss://openspeech.bytedance.com'),
  VOLCENGINE_TTS_URL: endpoint('Volcengine’s synthesis', 'wss://openspeech.bytedance.com'),

  OPENAI_SPEECH_URL: url(
    'Address of a service that speaks OpenAI’s audio API, with its version path. Default: OpenAI.',
    ['https', 'http'],
    { example: 'http://localhost:8000/v1' },
  ),
  OPENAI_SPEECH_API_KEY: secret('API key of that service.'),
  OPENAI_SPEECH_RECOGNITION_MODEL: text('Model that recognises speech there.', 'gpt-4o-mini-transcribe'),
  OPENAI_SPEECH_SYNTHESIS_MODEL: text('Model that speaks there.', 'gpt-4o-mini-tts'),
}
