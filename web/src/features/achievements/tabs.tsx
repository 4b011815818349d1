import { Segmented } from 'antd'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { useCan } from '#api/me.ts'

const paths = {
  mine: '/achievements',
  leaderboard: '/achievements/leaderboard',
  manage: '/achievements/manage',
}
type Tab = keyof typeof paths

/** The three pages of achievements; the third for those who may change them. */
export function Tabs({ active }: { active: Tab }) {
  const { t } = useTranslation('achievements')
  const navigate = useNavigate()
  const canManage = useCan()('achievements.manage')
  const tabs: Tab[] = canManage ? ['mine', 'leaderboard', 'manage'] : ['mine', 'leaderboard']
  return (
    <Segmented<Tab>
      aria-label={t('tabs.label')}
      value={active}
      onChange={tab => navigate(paths[tab])}
      options={tabs.map(tab => ({ value: tab, label: t(`tabs.${tab}`) }))}
    />
  )
}
