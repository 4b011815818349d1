import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { type CardTemplate, useSetTemplateState } from '#api/cards.ts'
import { useCan } from '#api/me.ts'
import common from '#ui/common.module.css'
import { useErrorText } from '#ui/error.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import style from '../cards.module.css'
import { RarityTag } from '../rarity.tsx'
import { TemplateStateTag } from './template-state.tsx'

/** What can be done with a template as it is. */
export function TemplateActions({ template }: { template: CardTemplate }) {
  const { t } = useTranslation('cards')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const can = useCan()
  const set = useSetTemplateState(template.id)
  const go = (state: CardTemplate['state']) =>
    set.mutate(state, { onError: error => void message.error(errorText(error)) })
  return (
    <div className={style.panelHead}>
      <TemplateStateTag state={template.state} />
      <RarityTag rarity={template.rarity} />
      <span className={common.small}>{t('templates.versionNumber', { version: template.version })}</span>
      <span className={style.grow} />
      {template.state !== 'published' && (
        <Button type="primary" loading={set.isPending} onClick={() => go('published')}>
          {t(template.state === 'archived' ? 'templates.unarchive' : 'templates.publish')}
        </Button>
      )}
      {template.state === 'published' && (
        <Button loading={set.isPending} onClick={() => go('archived')}>
          {t('templates.archive')}
        </Button>
      )}
      {template.state === 'published' && can('cards.batches.manage') && (
        <LinkButton type="primary" to={`/cards/batches?batch=new&template=${template.id}`}>
          {t('templates.makeBatch')}
        </LinkButton>
      )}
    </div>
  )
}
