import { CloseOutlined, PlusOutlined, UploadOutlined } from '@ant-design/icons'
import { App, Button } from 'antd'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { cardFilePath, useUploadCardFile } from '#api/cards.ts'
import { address } from '#api/client.ts'
import { useErrorText } from '#ui/error.tsx'
import style from '../cards.module.css'

const accepted = { image: 'image/png,image/jpeg,image/webp', audio: 'audio/*' }
const mostImages = 10

/** An uploaded file as a form field: its value is the file's id. */
export function FileField({
  kind,
  value,
  onChange,
  id,
}: {
  kind: 'image' | 'audio'
  value?: string
  onChange?: (id: string | undefined) => void
  id?: string
}) {
  const { t } = useTranslation('cards')
  return (
    <div className={style.file} id={id}>
      {value && kind === 'image' && <img className={style.thumb} src={address(cardFilePath(value))} alt="" />}
      {value && kind === 'audio' && (
        // biome-ignore lint/a11y/useMediaCaption: music has no words that were written down.
        <audio className={style.audio} controls preload="none" src={address(cardFilePath(value))} />
      )}
      <UploadButton kind={kind} onUploaded={file => onChange?.(file)}>
        {t(value ? 'templates.replaceFile' : 'templates.upload')}
      </UploadButton>
      {value && (
        <Button
          type="text"
          icon={<CloseOutlined />}
          aria-label={t('templates.removeFile')}
          onClick={() => onChange?.(undefined)}
        />
      )}
    </div>
  )
}

/** Pictures in their order, the first being the cover. */
export function ImagesField({
  value = [],
  onChange,
  id,
}: {
  value?: string[]
  onChange?: (ids: string[]) => void
  id?: string
}) {
  const { t } = useTranslation('cards')
  return (
    <div className={style.images} id={id}>
      {value.map(image => (
        <div key={image} className={style.image}>
          <img className={style.thumb} src={address(cardFilePath(image))} alt="" />
          <Button
            size="small"
            icon={<CloseOutlined />}
            aria-label={t('templates.removeFile')}
            onClick={() => onChange?.(value.filter(other => other !== image))}
          />
        </div>
      ))}
      {value.length < mostImages && (
        <UploadButton kind="image" onUploaded={image => onChange?.([...value, image])}>
          {t('templates.addImage')}
        </UploadButton>
      )}
    </div>
  )
}

function UploadButton({
  kind,
  onUploaded,
  children,
}: {
  kind: 'image' | 'audio'
  onUploaded: (id: string) => void
  children: string
}) {
  const { message } = App.useApp()
  const errorText = useErrorText()
  const upload = useUploadCardFile()
  const input = useRef<HTMLInputElement>(null)
  const send = (file: File | undefined) => {
    if (!file) return
    upload.mutate(file, {
      onSuccess: ({ id }) => onUploaded(id),
      onError: error => void message.error(errorText(error)),
    })
  }
  return (
    <span className={style.uploader}>
      <input
        ref={input}
        type="file"
        hidden
        accept={accepted[kind]}
        onChange={event => {
          send(event.target.files?.[0])
          event.target.value = ''
        }}
      />
      <Button
        icon={kind === 'image' ? <PlusOutlined /> : <UploadOutlined />}
        loading={upload.isPending}
        onClick={() => input.current?.click()}
      >
        {children}
      </Button>
    </span>
  )
}
