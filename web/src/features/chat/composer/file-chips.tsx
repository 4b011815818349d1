import { CloseOutlined, FileOutlined, FilePdfOutlined, FileTextOutlined } from '@ant-design/icons'
import { Button, Progress } from 'antd'
import { useTranslation } from 'react-i18next'
import { address } from '#api/client.ts'
import type { Attachment } from '#api/types.ts'
import { useFormat } from '#ui/format.tsx'
import style from './composer.module.css'
import type { ComposerFile } from './use-attachments.ts'

/** The files beside the question that is being written. */
export function ComposerFiles({
  files,
  onRemove,
}: {
  files: readonly ComposerFile[]
  onRemove: (key: string) => void
}) {
  const { t } = useTranslation('chat')
  const format = useFormat()
  if (files.length === 0) return null
  return (
    <ul className={style.files} aria-label={t('composer.files')}>
      {files.map(file => (
        <li key={file.key} className={style.file} data-failed={file.error !== null}>
          {file.preview ? (
            <img src={file.preview} alt="" className={style.thumb} />
          ) : (
            <FileOutlined className={style.fileIcon} aria-hidden="true" />
          )}
          <span className={style.fileText}>
            <span className={style.fileName} title={file.name}>
              {file.name}
            </span>
            {file.error ? (
              <span role="alert">{file.error}</span>
            ) : file.attachment ? (
              <span>{format.bytes(file.size)}</span>
            ) : (
              <Progress
                percent={Math.round(file.progress * 100)}
                size="small"
                showInfo={false}
                aria-label={t('composer.uploading', { name: file.name })}
              />
            )}
          </span>
          <Button
            type="text"
            size="small"
            icon={<CloseOutlined />}
            aria-label={t('composer.removeFile', { name: file.name })}
            onClick={() => onRemove(file.key)}
          />
        </li>
      ))}
    </ul>
  )
}

/** The files of a question that was asked. */
export function AttachmentList({ attachments }: { attachments: readonly Attachment[] }) {
  const { t } = useTranslation('chat')
  const format = useFormat()
  if (attachments.length === 0) return null
  return (
    <ul className={style.files} aria-label={t('composer.files')}>
      {attachments.map(({ id, name, kind, size }) => {
        const href = address(`/chat/attachments/${id}/content`)
        return (
          <li key={id}>
            <a href={href} target="_blank" rel="noopener" className={style.file} title={name}>
              {kind === 'image' ? (
                <img src={href} alt={name} className={style.picture} loading="lazy" />
              ) : (
                <>
                  {kind === 'pdf' ? (
                    <FilePdfOutlined className={style.fileIcon} />
                  ) : (
                    <FileTextOutlined className={style.fileIcon} />
                  )}
                  <span className={style.fileText}>
                    <span className={style.fileName}>{name}</span>
                    <span>{format.bytes(size)}</span>
                  </span>
                </>
              )}
            </a>
          </li>
        )
      })}
    </ul>
  )
}
