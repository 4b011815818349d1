import { useTranslation } from 'react-i18next'

const known = ['super_admin', 'admin', 'agency_admin', 'streamer', 'assistant', 'user'] as const

/** A role in the person's language; one that a later version added by its own name. */
export function useRoleName(): (name: string) => string {
  const { t } = useTranslation('admin')
  return name => {
    const role = known.find(each => each === name)
    return role ? t(`roles.names.${role}`) : name
  }
}
