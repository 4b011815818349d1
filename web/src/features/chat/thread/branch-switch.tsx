import { LeftOutlined, RightOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Message } from '#api/types.ts'
import style from './thread.module.css'
import { useThreadActions } from './thread-actions.tsx'

/** ‹ 2/3 › between the versions of a question, or the answers to one. */
export function BranchSwitch({ message }: { message: Message }) {
  const { t } = useTranslation('chat')
  const actions = useThreadActions()
  const { sibling_ids } = message
  const at = sibling_ids.indexOf(message.id)
  if (!actions || sibling_ids.length < 2 || at === -1) return null
  const go = (step: number) => {
    const id = sibling_ids[at + step]
    if (id) void actions.show(id)
  }
  return (
    <fieldset className={style.branch} aria-label={t('thread.versions')}>
      <Button
        type="text"
        size="small"
        icon={<LeftOutlined />}
        disabled={at === 0}
        aria-label={t('thread.previousVersion')}
        onClick={() => go(-1)}
      />
      <span className="numbers">{`${at + 1}/${sibling_ids.length}`}</span>
      <Button
        type="text"
        size="small"
        icon={<RightOutlined />}
        disabled={at === sibling_ids.length - 1}
        aria-label={t('thread.nextVersion')}
        onClick={() => go(1)}
      />
    </fieldset>
  )
}
