import { App, Button, Form, Input, InputNumber, Switch } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate, useParams } from 'react-router'
import {
  type Definition,
  type DefinitionInput,
  type Texts,
  useDefinition,
  useDeleteDefinition,
  useEvents,
  useSaveDefinition,
} from '#api/achievements.ts'
import { ErrorAlert, ErrorState, useErrorText } from '#ui/error.tsx'
import { Page, Section } from '#ui/page.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import { freshDefinition } from './draft.ts'
import { type Issues, issuesOf, problem } from './issues.ts'
import style from './manage.module.css'
import { RulePreview } from './preview.tsx'
import { ConditionList, TierList } from './rule-form.tsx'

export function Component() {
  const { t, i18n } = useTranslation('achievements')
  const { id } = useParams()
  const definition = useDefinition(id)
  // What can be counted: without it the form would have nothing to offer.
  const events = useEvents()
  const locale: keyof Texts = i18n.language === 'en' ? 'en' : 'zh-CN'
  const title = id === undefined ? t('editor.newTitle') : (definition.data?.names[locale] ?? '')
  const error = definition.error ?? (events.data ? null : events.error)
  const retry = () => {
    if (definition.isError) definition.refetch()
    if (events.isError) events.refetch()
  }
  return (
    <Page title={title} back="/achievements/manage" alwaysBack width="wide">
      {events.data && (id === undefined || definition.data) ? (
        <Editor key={id ?? 'new'} definition={definition.data} />
      ) : error ? (
        <ErrorState error={error} onRetry={retry} />
      ) : (
        <FormSkeleton fields={6} />
      )}
    </Page>
  )
}

const inputOf = (definition: Definition): DefinitionInput => {
  const { names, descriptions, icon, is_hidden, is_enabled, position, rule } = definition
  return { names, descriptions, icon, is_hidden, is_enabled, position, rule }
}

function Editor({ definition }: { definition: Definition | undefined }) {
  const { t } = useTranslation(['achievements', 'app'])
  const { message } = App.useApp()
  const navigate = useNavigate()
  const [draft, setDraft] = useState(() => (definition ? inputOf(definition) : freshDefinition))
  const [issues, setIssues] = useState<Issues>(new Map())
  const save = useSaveDefinition(definition?.id)
  const isNewRule = definition !== undefined && JSON.stringify(definition.rule) !== JSON.stringify(draft.rule)
  const submit = () =>
    save.mutate(draft, {
      onSuccess: () => {
        setIssues(new Map())
        message.success(t('editor.saved'))
        navigate('/achievements/manage')
      },
      onError: error => setIssues(issuesOf(error)),
    })
  const setRule = (rule: DefinitionInput['rule']) => setDraft({ ...draft, rule })
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // The button that was pressed may be far below.
    if (issues.size > 0)
      place.current?.querySelector('.ant-form-item-has-error')?.scrollIntoView({ block: 'center' })
  }, [issues])
  return (
    <div className={style.editor} ref={place}>
      <Form layout="vertical" onFinish={submit} noValidate className={style.form ?? ''}>
        <Section title={t('editor.looks')}>
          <Looks draft={draft} onChange={setDraft} issues={issues} />
        </Section>
        <Section title={t('editor.conditions')}>
          <ConditionList rule={draft.rule} onChange={setRule} issues={issues} ownId={definition?.id} />
        </Section>
        <Section title={t('editor.tiers')}>
          <TierList rule={draft.rule} onChange={setRule} issues={issues} />
        </Section>
        <div className={style.result}>
          <ErrorAlert error={save.error} />
        </div>
        <div className={style.submit}>
          <Button type="primary" htmlType="submit" loading={save.isPending}>
            {isNewRule ? t('editor.saveNewRule') : t('editor.save')}
          </Button>
          {definition && <DeleteButton definition={definition} />}
        </div>
      </Form>
      <RulePreview
        rule={draft.rule}
        achievementId={definition?.id}
        onError={error => setIssues(issuesOf(error))}
      />
    </div>
  )
}

const languages = [
  ['zh-CN', 'Zh'],
  ['en', 'En'],
] as const

function Looks({
  draft,
  onChange,
  issues,
}: {
  draft: DefinitionInput
  onChange: (draft: DefinitionInput) => void
  issues: Issues
}) {
  const { t } = useTranslation('achievements')
  return (
    <>
      <div className={style.fields}>
        {languages.map(([locale, suffix]) => (
          <Form.Item key={locale} label={t(`editor.name${suffix}`)} {...problem(issues, `/names/${locale}`)}>
            <Input
              aria-label={t(`editor.name${suffix}`)}
              aria-required
              maxLength={60}
              value={draft.names[locale]}
              onChange={event =>
                onChange({ ...draft, names: { ...draft.names, [locale]: event.target.value } })
              }
            />
          </Form.Item>
        ))}
        {languages.map(([locale, suffix]) => (
          <Form.Item
            key={locale}
            label={t(`editor.description${suffix}`)}
            {...problem(issues, `/descriptions/${locale}`)}
          >
            <Input
              aria-label={t(`editor.description${suffix}`)}
              aria-required
              maxLength={300}
              value={draft.descriptions[locale]}
              onChange={event =>
                onChange({
                  ...draft,
                  descriptions: { ...draft.descriptions, [locale]: event.target.value },
                })
              }
            />
          </Form.Item>
        ))}
        <Form.Item label={t('editor.icon')} {...problem(issues, '/icon')}>
          <Input
            aria-label={t('editor.icon')}
            aria-required
            maxLength={16}
            value={draft.icon}
            onChange={event => onChange({ ...draft, icon: event.target.value })}
          />
        </Form.Item>
        <Form.Item
          label={t('editor.position')}
          extra={t('editor.positionHint')}
          {...problem(issues, '/position')}
        >
          <InputNumber
            aria-label={t('editor.position')}
            min={0}
            max={1_000_000}
            precision={0}
            value={draft.position}
            onChange={position => onChange({ ...draft, position: position ?? 0 })}
          />
        </Form.Item>
      </div>
      <Form.Item label={t('editor.hidden')} layout="horizontal" colon={false} extra={t('editor.hiddenHint')}>
        <Switch
          aria-label={t('editor.hidden')}
          checked={draft.is_hidden}
          onChange={is_hidden => onChange({ ...draft, is_hidden })}
        />
      </Form.Item>
    </>
  )
}

function DeleteButton({ definition }: { definition: Definition }) {
  const { t, i18n } = useTranslation(['achievements', 'app'])
  const { message, modal } = App.useApp()
  const navigate = useNavigate()
  const errorText = useErrorText()
  const remove = useDeleteDefinition()
  const locale: keyof Texts = i18n.language === 'en' ? 'en' : 'zh-CN'
  // Whoever has it keeps it, and built-in ones can only be switched off.
  if (definition.is_starter || definition.holders.length > 0) return null
  const ask = () =>
    modal.confirm({
      title: t('editor.deleteConfirm', { name: definition.names[locale] }),
      content: t('editor.deleteText'),
      okText: t('app:common.delete'),
      okButtonProps: { danger: true },
      cancelText: t('app:common.cancel'),
      onOk: () =>
        remove.mutateAsync(definition.id).then(
          () => {
            message.success(t('editor.deleted'))
            navigate('/achievements/manage')
          },
          error => message.error(errorText(error)),
        ),
    })
  return (
    <Button danger onClick={ask}>
      {t('editor.delete')}
    </Button>
  )
}
