import { CommentOutlined } from '@ant-design/icons'
import { useTranslation } from 'react-i18next'
import style from './chat.module.css'

export function TemporaryNote() {
  const { t } = useTranslation('chat')
  return (
    <p className={style.temporary}>
      <CommentOutlined aria-hidden="true" />
      <span>{t('temporary.note')}</span>
    </p>
  )
}
