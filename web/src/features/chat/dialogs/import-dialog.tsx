import { InboxOutlined } from '@ant-design/icons'
import { Alert, Modal, Progress, Upload } from 'antd'
import { useTranslation } from 'react-i18next'
import { chatKeys } from '#api/chat.ts'
import { api } from '#api/client.ts'
import { useWrite } from '#api/query.ts'
import type { ImportResult } from '#api/types.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { useFormat } from '#ui/format.tsx'
import style from './dialogs.module.css'

/** Brings conversations in: Banyan's own export, or ChatGPT's conversations.json. */
export default function ImportDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(['chat', 'app'])
  const read = useWrite(
    (file: File) => api.upload<ImportResult>('POST', '/chat/imports', file),
    chatKeys.conversations,
    chatKeys.folders,
  )
  return (
    <Modal
      open
      title={t('imports.title')}
      footer={null}
      onCancel={onClose}
      closable={{ 'aria-label': t('app:common.close') }}
    >
      <p className={style.text}>{t('imports.text')}</p>
      <ErrorAlert error={read.error} />
      <Upload.Dragger
        accept=".json,application/json"
        showUploadList={false}
        disabled={read.isPending}
        beforeUpload={file => {
          read.mutate(file)
          return false
        }}
      >
        <p className="ant-upload-drag-icon">
          <InboxOutlined />
        </p>
        <p>{t('imports.choose')}</p>
      </Upload.Dragger>
      {read.isPending && (
        <div role="status">
          <Progress percent={100} status="active" showInfo={false} />
          <p className={style.text}>{t('imports.working', { name: read.variables.name })}</p>
        </div>
      )}
      {read.data && <Result result={read.data} />}
    </Modal>
  )
}

function Result({ result }: { result: ImportResult }) {
  const { t } = useTranslation('chat')
  const format = useFormat()
  const isNothing = result.conversations === 0
  return (
    <div role="status" className={style.shares}>
      <Alert
        type={isNothing ? 'warning' : 'success'}
        showIcon
        title={
          isNothing
            ? t('imports.nothing')
            : t('imports.done', {
                count: result.conversations,
                conversations: format.number(result.conversations),
                messages: format.number(result.messages),
              })
        }
        description={isNothing && result.skipped.length === 0 ? t('imports.nothingText') : undefined}
      />
      {result.skipped.length > 0 && (
        <>
          <h3>
            {t('imports.skipped', {
              count: result.skipped.length,
              number: format.number(result.skipped.length),
            })}
          </h3>
          <ul className={style.skipped}>
            {result.skipped.map(({ title, reason }, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the list is shown once and never changes.
              <li key={index}>{t('imports.skippedItem', { title: title || t('list.untitled'), reason })}</li>
            ))}
          </ul>
        </>
      )}
    </div>
  )
}
