import { UploadOutlined } from '@ant-design/icons'
import { App, Button, Form, Input, Select } from 'antd'
import { type ChangeEvent, useId, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useUpdateMe, useUploadAvatar } from '#api/identity.ts'
import { useMe } from '#api/me.ts'
import type { Me, Profile } from '#api/types.ts'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { Page, Section } from '#ui/page.tsx'
import { PersonAvatar } from '#ui/person-avatar.tsx'
import style from '../identity.module.css'
import { EmailState } from './email-state.tsx'

const mbtiTypes = ['INTJ', 'INTP', 'ENTJ', 'ENTP', 'INFJ', 'INFP', 'ENFJ', 'ENFP'].concat([
  'ISTJ',
  'ISFJ',
  'ESTJ',
  'ESFJ',
  'ISTP',
  'ISFP',
  'ESTP',
  'ESFP',
])
const genders = ['female', 'male', 'other'] as const
const largestAvatar = 2 * 1024 * 1024

type ProfileFields = Pick<Me, 'display_name' | 'email' | 'phone'> & { profile: Profile }

export function Component() {
  const { t } = useTranslation('identity')
  const { message } = App.useApp()
  const me = useMe()
  const update = useUpdateMe()
  const [form] = Form.useForm<ProfileFields>()

  const save = (fields: ProfileFields) => {
    const profile: Profile = {}
    for (const [key, value] of Object.entries({ ...me.profile, ...fields.profile })) {
      // An emptied field is `null`: the server then forgets it.
      Object.assign(profile, { [key]: value === '' || value === undefined ? null : value })
    }
    profile.interests = fields.profile.interests ?? []
    update.mutate(
      {
        display_name: fields.display_name.trim(),
        email: fields.email?.trim() || null,
        phone: fields.phone?.trim() || null,
        profile,
      },
      {
        onSuccess: ({ pending_email }) => {
          const isMailed = pending_email !== null && pending_email !== me.pending_email
          message.success(isMailed ? t('profile.mailed', { email: pending_email }) : t('profile.saved'))
        },
        onError: error => showFieldErrors(form, error),
      },
    )
  }

  return (
    <Page title={t('profile.title')} width="form" back="/settings">
      <AvatarRow me={me} />
      <ErrorAlert error={update.error} />
      <Form form={form} layout="vertical" initialValues={fieldsOf(me)} onFinish={save}>
        <Account username={me.username} />
        <Section title={t('profile.about.title')} description={t('profile.about.text')}>
          <AboutFields />
        </Section>
        <Button type="primary" htmlType="submit" loading={update.isPending}>
          {t('profile.save')}
        </Button>
      </Form>
    </Page>
  )
}

/** An address that waits for its link stands in the field: saving it again asks for nothing new. */
function fieldsOf({ display_name, email, pending_email, phone, profile }: Me): ProfileFields {
  return { display_name, email: pending_email ?? email, phone, profile }
}

function Account({ username }: { username: string }) {
  const { t } = useTranslation('identity')
  return (
    <>
      <div className={style.row}>
        <Form.Item
          label={t('profile.displayName')}
          name="display_name"
          rules={[{ required: true, whitespace: true, message: t('profile.displayNameRequired') }]}
        >
          <Input autoComplete="name" maxLength={60} />
        </Form.Item>
        <Form.Item label={t('profile.username')} htmlFor="profile-username">
          <Input id="profile-username" value={username} readOnly variant="filled" />
        </Form.Item>
      </div>
      <div className={style.row}>
        <Form.Item
          label={t('profile.email')}
          name="email"
          rules={[{ type: 'email', message: t('profile.emailInvalid') }]}
          validateTrigger="onBlur"
          extra={<EmailState />}
        >
          <Input type="email" autoComplete="email" maxLength={254} />
        </Form.Item>
        <Form.Item label={t('profile.phone')} name="phone" extra={t('profile.phoneHint')}>
          <Input type="tel" autoComplete="tel" maxLength={32} />
        </Form.Item>
      </div>
    </>
  )
}

function AboutFields() {
  const { t } = useTranslation('identity')
  return (
    <>
      <div className={style.row}>
        <Form.Item label={t('profile.gender')} name={['profile', 'gender']}>
          <Select
            allowClear
            options={genders.map(value => ({ value, label: t(`profile.genders.${value}`) }))}
          />
        </Form.Item>
        <Form.Item label={t('profile.birthday')} name={['profile', 'birthday']}>
          <Input type="date" autoComplete="bday" min="1900-01-01" />
        </Form.Item>
      </div>
      <div className={style.row}>
        <Form.Item label={t('profile.occupation')} name={['profile', 'occupation']}>
          <Input maxLength={100} autoComplete="organization-title" />
        </Form.Item>
        <Form.Item label={t('profile.city')} name={['profile', 'city']}>
          <Input maxLength={100} autoComplete="address-level2" />
        </Form.Item>
      </div>
      <div className={style.row}>
        <Form.Item label={t('profile.mbti')} name={['profile', 'mbti']}>
          <Select allowClear showSearch options={mbtiTypes.map(value => ({ value, label: value }))} />
        </Form.Item>
        <Form.Item
          label={t('profile.interests')}
          name={['profile', 'interests']}
          extra={t('profile.interestsHint')}
        >
          <Select
            mode="tags"
            open={false}
            suffixIcon={null}
            tokenSeparators={[',', '，', '、']}
            maxCount={50}
          />
        </Form.Item>
      </div>
      <Form.Item label={t('profile.bio')} name={['profile', 'about']}>
        <Input.TextArea autoSize={{ minRows: 3, maxRows: 10 }} maxLength={1000} showCount />
      </Form.Item>
    </>
  )
}

function AvatarRow({ me }: { me: Me }) {
  const { t } = useTranslation('identity')
  const errorText = useErrorText()
  const { message } = App.useApp()
  const upload = useUploadAvatar()
  const picker = useRef<HTMLInputElement>(null)
  const hintId = useId()

  const choose = (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0]
    // The same file may be chosen again after a failure.
    event.target.value = ''
    if (!file) return
    if (file.size > largestAvatar) return message.warning(t('profile.avatar.tooLarge'))
    upload.mutate(file, {
      onSuccess: () => message.success(t('profile.avatar.saved')),
      onError: error => message.error(errorText(error)),
    })
  }

  return (
    <div className={style.personHead}>
      <PersonAvatar name={me.display_name} url={me.avatar_url} size={64} />
      <div>
        <input
          ref={picker}
          type="file"
          accept="image/png,image/jpeg,image/webp"
          hidden
          aria-label={t('profile.avatar.change')}
          onChange={choose}
        />
        <Button
          icon={<UploadOutlined />}
          loading={upload.isPending}
          aria-describedby={hintId}
          onClick={() => picker.current?.click()}
        >
          {t('profile.avatar.change')}
        </Button>
        <div id={hintId} className={style.muted}>
          {t('profile.avatar.hint')}
        </div>
      </div>
    </div>
  )
}
