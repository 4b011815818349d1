import { CloseOutlined, InboxOutlined } from '@ant-design/icons'
import { Alert, App, Button, Form, Input, Modal, Progress, Upload } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import common from '#ui/common.module.css'
import { useFormat } from '#ui/format.tsx'
import style from '../devices.module.css'
import { CardField, useMayChooseCards } from './card-field.tsx'
import { type CommonFields, type Draft, useUploads } from './use-uploads.ts'

const accepted = '.wav,.mp3,.ogg,.oga,.flac,.json,audio/*,application/json'

/** Puts files into the library, with what is said of all of them. */
export function UploadDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['devices', 'app'])
  const { message } = App.useApp()
  const [form] = Form.useForm<CommonFields>()
  const mayChooseCards = useMayChooseCards()
  const { drafts, isRunning, add, rename, remove, stop, send } = useUploads()
  const [hasFailed, setFailed] = useState(false)
  const isReady = drafts.length > 0 && drafts.every(({ title }) => title.trim() !== '')
  const submit = async (fields: CommonFields) => {
    if (!isReady) return
    setFailed(false)
    const arrived = await send(fields)
    if (arrived > 0) message.success(t('library.upload.done', { count: arrived }))
    if (arrived === drafts.length) onClose()
    else setFailed(true)
  }
  return (
    <Modal
      open
      title={t('library.upload.title')}
      closable={!isRunning && { 'aria-label': t('app:common.close') }}
      keyboard={!isRunning}
      mask={{ closable: false }}
      onCancel={isRunning ? stop : onClose}
      onOk={form.submit}
      okText={t('library.upload.submit', { count: drafts.length })}
      okButtonProps={{ disabled: !isReady, loading: isRunning }}
      cancelText={t(isRunning ? 'library.upload.stop' : 'app:common.cancel')}
    >
      <div className={style.stack}>
        <Upload.Dragger
          accept={accepted}
          multiple
          showUploadList={false}
          disabled={isRunning}
          beforeUpload={file => {
            add(file)
            return false
          }}
        >
          <p>
            <InboxOutlined aria-hidden="true" /> {t('library.upload.choose')}
          </p>
          <p className={common.small}>{t('library.upload.formats')}</p>
        </Upload.Dragger>
        {hasFailed && <Alert type="warning" showIcon title={t('library.upload.failed')} />}
        {drafts.length > 0 && (
          <ul className={style.rows} aria-label={t('library.upload.files')}>
            {drafts.map(draft => (
              <DraftRow
                key={draft.key}
                draft={draft}
                isRunning={isRunning}
                onRename={title => rename(draft.key, title)}
                onRemove={() => remove(draft.key)}
              />
            ))}
          </ul>
        )}
        {drafts.length > 0 && (
          <Form form={form} layout="vertical" disabled={isRunning} onFinish={submit}>
            <p className={common.text}>{t('library.upload.common')}</p>
            <div className={common.row}>
              <Form.Item label={t('library.artist')} name="artist">
                <Input maxLength={200} />
              </Form.Item>
              <Form.Item label={t('library.style')} name="style">
                <Input maxLength={100} />
              </Form.Item>
            </div>
            {mayChooseCards && (
              <Form.Item label={t('library.card')} name="template_id" extra={t('library.cardHint')}>
                <CardField />
              </Form.Item>
            )}
          </Form>
        )}
      </div>
    </Modal>
  )
}

function DraftRow({
  draft,
  isRunning,
  onRename,
  onRemove,
}: {
  draft: Draft
  isRunning: boolean
  onRename: (title: string) => void
  onRemove: () => void
}) {
  const { t } = useTranslation('devices')
  const format = useFormat()
  const { title, kind, progress, error } = draft
  const { name: file, size } = draft.file
  return (
    <li>
      <div className={style.grow}>
        <Input
          aria-label={t('library.upload.titleOf', { file })}
          value={title}
          maxLength={200}
          disabled={isRunning}
          status={title.trim() === '' || error ? 'error' : ''}
          onChange={event => onRename(event.target.value)}
        />
        <div className={common.small}>
          {t(`library.kinds.${kind}`)} · {file} · {format.bytes(size)}
        </div>
        {error && (
          <div className={common.bad} role="alert">
            {error}
          </div>
        )}
        {title.trim() === '' && <div className={common.bad}>{t('library.titleRequired')}</div>}
        {progress !== null && (
          <Progress
            percent={Math.round(progress * 100)}
            aria-label={t('library.upload.progress', { file })}
          />
        )}
        {isRunning && progress === null && !error && (
          <div className={common.small}>{t('library.upload.waiting')}</div>
        )}
      </div>
      {!isRunning && (
        <Button
          type="text"
          icon={<CloseOutlined />}
          aria-label={t('library.upload.drop', { file })}
          onClick={onRemove}
        />
      )}
    </li>
  )
}
