import { DownloadOutlined } from '@ant-design/icons'
import { Alert, App, Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { address as urlOf } from '#api/client.ts'
import type { MediaItem } from '#api/device-types.ts'
import { mediaPath, useDeleteMedia, useMediaItem } from '#api/devices.ts'
import { useCan } from '#api/me.ts'
import { ErrorState, useErrorText } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { Time, useFormat } from '#ui/format.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Section } from '#ui/page.tsx'
import { Panel } from '#ui/panel.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import style from '../devices.module.css'
import { Access } from './access.tsx'
import { lengthText } from './length.ts'
import { PieceForm } from './piece-form.tsx'
import { SendToDevice } from './send-to-device.tsx'

export function PiecePanel({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const { t } = useTranslation('devices')
  return (
    <Panel title={t('library.piece')} isOpen={id !== undefined} onClose={onClose}>
      {id && <Content key={id} id={id} onClose={onClose} />}
    </Panel>
  )
}

function Content({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation('devices')
  const can = useCan()
  const read = useMediaItem(id)
  if (read.isPending) return <FormSkeleton />
  if (!read.data) return <ErrorState error={read.error} onRetry={() => read.refetch()} />
  const piece = read.data
  const mayManage = can('devices.media.manage')
  return (
    <div className={style.stack}>
      <About piece={piece} />
      {(piece.is_unlocked || mayManage) && <Player piece={piece} />}
      {!piece.is_unlocked && (
        <Alert
          type="info"
          showIcon
          title={t('library.locked')}
          description={t(mayManage ? 'library.lockedManage' : 'library.lockedText')}
          action={
            can('cards.use') && (
              <LinkButton size="small" to="/cards/redeem">
                {t('library.redeem')}
              </LinkButton>
            )
          }
        />
      )}
      {piece.is_unlocked && <SendToDevice piece={piece} />}
      {mayManage && (
        <Section title={t('library.edit')} action={<Remove piece={piece} onRemoved={onClose} />}>
          <PieceForm piece={piece} />
        </Section>
      )}
    </div>
  )
}

function About({ piece }: { piece: MediaItem }) {
  const { t } = useTranslation('devices')
  const format = useFormat()
  return (
    <>
      <h2 className={style.pieceTitle}>{piece.title}</h2>
      <Facts
        items={[
          [t('library.kind'), t(`library.kinds.${piece.kind}`)],
          [t('library.artist'), piece.artist],
          [t('library.style'), piece.style],
          [t('library.length'), piece.duration_ms === null ? null : lengthText(piece.duration_ms)],
          [t('library.access'), <Access key="access" piece={piece} />],
          [
            t('library.file'),
            `${formats[piece.media_type] ?? piece.media_type} · ${format.bytes(piece.size)}`,
          ],
          [t('library.added'), <Time key="added" value={piece.created_at} style="dateTime" />],
          [t('library.description'), piece.description],
        ]}
      />
    </>
  )
}

const formats: Record<string, string> = {
  'audio/wav': 'WAV',
  'audio/mpeg': 'MP3',
  'audio/ogg': 'Ogg',
  'audio/flac': 'FLAC',
  'application/json': 'JSON',
}

function Player({ piece }: { piece: MediaItem }) {
  const { t } = useTranslation('devices')
  const [isUnplayable, setUnplayable] = useState(false)
  const url = urlOf(mediaPath(piece.id))
  return (
    <>
      {piece.kind === 'music' && (
        // biome-ignore lint/a11y/useMediaCaption: music has no words that were written down.
        <audio
          className={style.player}
          aria-label={t('library.listen', { title: piece.title })}
          controls
          preload="metadata"
          src={url}
          onError={() => setUnplayable(true)}
        />
      )}
      {isUnplayable && <Alert type="warning" showIcon title={t('library.unplayable')} />}
      <div>
        <Button icon={<DownloadOutlined />} href={url} download>
          {t('library.download')}
        </Button>
      </div>
    </>
  )
}

function Remove({ piece, onRemoved }: { piece: MediaItem; onRemoved: () => void }) {
  const { t } = useTranslation('devices')
  const { message, modal } = App.useApp()
  const errorText = useErrorText()
  const remove = useDeleteMedia()
  const { id, title } = piece
  const ask = () =>
    modal.confirm({
      title: t('library.removeAsk', { title }),
      content: t('library.removeText'),
      okText: t('library.remove'),
      okButtonProps: { danger: true },
      onOk: () =>
        remove.mutateAsync(id).then(
          () => {
            message.success(t('library.removed', { title }))
            onRemoved()
          },
          error => void message.error(errorText(error)),
        ),
    })
  return (
    <Button danger onClick={ask}>
      {t('library.remove')}
    </Button>
  )
}
