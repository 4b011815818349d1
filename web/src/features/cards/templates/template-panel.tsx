import { useTranslation } from 'react-i18next'
import { useTemplate } from '#api/cards.ts'
import { ErrorState } from '#ui/error.tsx'
import { Panel } from '#ui/panel.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import { TemplateActions } from './template-actions.tsx'
import { TemplateForm } from './template-form.tsx'
import { Versions } from './versions.tsx'

/** A template beside the list: `id` is `new`, or that of one that is there. */
export function TemplatePanel({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const { t } = useTranslation('cards')
  const template = useTemplate(id === 'new' ? undefined : id)
  const isNew = id === 'new'
  const title = isNew ? t('templates.add') : (template.data?.name ?? t('templates.one'))
  return (
    <Panel isOpen={id !== undefined} onClose={onClose} title={title}>
      {isNew && <TemplateForm template={undefined} />}
      {!isNew && template.data && (
        <>
          <TemplateActions template={template.data} />
          <TemplateForm key={`${template.data.id} ${template.data.version}`} template={template.data} />
          <Versions template={template.data} />
        </>
      )}
      {!isNew && !template.data && template.isError && (
        <ErrorState error={template.error} onRetry={() => template.refetch()} />
      )}
      {!isNew && template.isLoading && <FormSkeleton />}
    </Panel>
  )
}
