import {
  ApiOutlined,
  BgColorsOutlined,
  CheckOutlined,
  GlobalOutlined,
  LogoutOutlined,
  TeamOutlined,
  UserOutlined,
} from '@ant-design/icons'
import { App, Dropdown, type MenuProps } from 'antd'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { useSignOut, useUpdateMe } from '#api/identity.ts'
import { useMe } from '#api/me.ts'
import { useErrorText } from '#ui/error.tsx'
import { PersonAvatar } from '#ui/person-avatar.tsx'
import { isThemeChoice, useTheme } from '#ui/theme-mode.tsx'
import { isLanguage, languageNames, languages, setLanguage } from './i18n/i18n.ts'
import style from './shell.module.css'

/** The person at the bottom of the bar: settings, looks, language, sign out. */
export function PersonMenu() {
  const { t, i18n } = useTranslation('app')
  const errorText = useErrorText()
  const me = useMe()
  const navigate = useNavigate()
  const theme = useTheme()
  const update = useUpdateMe()
  const signOut = useSignOut()
  const { message } = App.useApp()

  const items: MenuProps['items'] = [
    {
      key: 'person',
      type: 'group',
      label: (
        <div className={style.person}>
          <strong>{me.display_name}</strong>
          <span>@{me.username}</span>
        </div>
      ),
    },
    { type: 'divider' },
    { key: '/settings', icon: <UserOutlined />, label: t('shell.settings') },
    { key: '/settings/organisations', icon: <TeamOutlined />, label: t('shell.organisations') },
    {
      key: 'theme',
      icon: <BgColorsOutlined />,
      label: t('shell.theme'),
      children: (['system', 'light', 'dark'] as const).map(choice => ({
        key: choice,
        icon: <Chosen is={choice === theme.choice} />,
        label: t(`theme.${choice}`),
      })),
    },
    {
      key: 'language',
      icon: <GlobalOutlined />,
      label: t('shell.language'),
      children: languages.map(language => ({
        key: language,
        icon: <Chosen is={language === i18n.language} />,
        label: languageNames[language],
      })),
    },
    { key: 'docs', icon: <ApiOutlined />, label: t('shell.apiDocs') },
    { type: 'divider' },
    { key: 'sign-out', icon: <LogoutOutlined />, label: t('shell.signOut') },
  ]

  const choose: MenuProps['onClick'] = ({ key }) => {
    if (key.startsWith('/')) navigate(key)
    else if (key === 'docs') open('/docs', '_blank', 'noopener')
    else if (key === 'sign-out') {
      signOut.mutate(false, { onError: error => message.error(errorText(error)) })
    } else if (isThemeChoice(key)) {
      theme.setChoice(key)
      update.mutate({ preferences: { ...me.preferences, theme: key } })
    } else if (isLanguage(key)) {
      void setLanguage(key)
      update.mutate({ locale: key })
    }
  }

  return (
    <Dropdown
      trigger={['click']}
      placement="topRight"
      menu={{ items, onClick: choose, className: style.personMenu ?? '' }}
    >
      <button
        type="button"
        className={style.personButton}
        aria-label={t('shell.account', { name: me.display_name })}
      >
        <PersonAvatar name={me.display_name} url={me.avatar_url} />
      </button>
    </Dropdown>
  )
}

/** A tick, or its place. */
function Chosen({ is }: { is: boolean }) {
  return <CheckOutlined className={is ? undefined : style.hidden} />
}
