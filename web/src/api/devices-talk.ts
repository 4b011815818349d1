import { useQuery } from '@tanstack/react-query'
import { api } from './client.ts'
import { usePages } from './query.ts'

/** Milliseconds from the end of the speech; null for what did not happen. */
export type DeviceTurn = {
  id: string
  source: 'voice' | 'text'
  outcome: 'done' | 'aborted' | 'failed'
  error_code: string | null
  started_at: string
  silence_ms: number | null
  text_ms: number | null
  first_token_ms: number | null
  first_sentence_ms: number | null
  first_audio_ms: number | null
  abort_ms: number | null
  end_ms: number
  spoken_ms: number
}

export const turnStages = [
  'silence_ms',
  'text_ms',
  'first_token_ms',
  'first_sentence_ms',
  'first_audio_ms',
] as const
export type TurnStage = (typeof turnStages)[number]
type Summary = {
  turns: number
  aborted: number
  failed: number
  stages: Record<TurnStage, { p50_ms: number | null; p95_ms: number | null }>
}
export type TurnStatistics = { days: (Summary & { day: string })[]; total: Summary }

export const useDeviceTurns = (id: string) =>
  usePages<DeviceTurn>(['devices', id, 'turns'], `/devices/devices/${id}/turns`, {})

/** Of one device, or, for operators, of all. */
export const useTurnStatistics = (device_id: string | null, days: number) =>
  useQuery({
    queryKey: ['devices', device_id ?? 'all', 'turn-statistics', days],
    queryFn: ({ signal }) =>
      api.get<TurnStatistics>(
        device_id === null ? '/devices/turn-statistics' : `/devices/devices/${device_id}/turn-statistics`,
        { query: { days }, signal },
      ),
  })
