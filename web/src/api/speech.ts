import type { SpeechStatus, Transcription } from '@banyan/sdk'
import { useQuery } from '@tanstack/react-query'
import { api, request } from './client.ts'

export const useSpeechStatus = () =>
  useQuery({
    queryKey: ['speech', 'status'],
    queryFn: ({ signal }) => api.get<SpeechStatus>('/speech/status', { signal }),
    // Changes only when the server is started anew.
    staleTime: 10 * 60_000,
  })

/** The text of a recording of a minute at most. */
export const transcribe = (audio: Blob, signal: AbortSignal): Promise<Transcription> =>
  api.upload<Transcription>('POST', '/speech/transcriptions', audio, { signal })

/** WAV of 24,000 samples a second, that comes as it is spoken. `x-speech-preview` says how it sounds. */
export const synthesize = (text: string, signal: AbortSignal): Promise<Response> =>
  request('POST', '/speech/syntheses', { text, format: 'wav' }, { signal, headers: { Accept: '*/*' } })
