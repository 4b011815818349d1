import type { DeviceTurn, DeviceTurnStatistics } from '@banyan/sdk'
import { useQuery } from '@tanstack/react-query'
import { api } from './client.ts'
import { usePages } from './query.ts'

export type { DeviceTurn }

export const turnStages = [
  'silence_ms',
  'text_ms',
  'first_token_ms',
  'first_sentence_ms',
  'first_audio_ms',
] as const
export type TurnStage = (typeof turnStages)[number]

export const useDeviceTurns = (id: string) =>
  usePages<DeviceTurn>(['devices', id, 'turns'], `/devices/devices/${id}/turns`, {})

/** Of one device, or, for operators, of all. */
export const useTurnStatistics = (device_id: string | null, days: number) =>
  useQuery({
    queryKey: ['devices', device_id ?? 'all', 'turn-statistics', days],
    queryFn: ({ signal }) =>
      api.get<DeviceTurnStatistics>(
        device_id === null ? '/devices/turn-statistics' : `/devices/devices/${device_id}/turn-statistics`,
        { query: { days }, signal },
      ),
  })
