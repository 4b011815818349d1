import { useTranslation } from 'react-i18next'
import { type CardTemplate, useTemplateVersions } from '#api/cards.ts'
import common from '#ui/common.module.css'
import { Time } from '#ui/format.tsx'
import style from '../cards.module.css'
import { RarityTag } from '../rarity.tsx'

/** The versions before the newest; printed cards may still carry them. */
export function Versions({ template }: { template: CardTemplate }) {
  const { t } = useTranslation('cards')
  const versions = useTemplateVersions(template.id)
  const earlier = versions.data?.items.filter(({ version }) => version !== template.version) ?? []
  if (earlier.length === 0) return null
  return (
    <section>
      <h3 className={style.partTitle}>{t('templates.versions')}</h3>
      <ul className={style.history}>
        {earlier.map(({ version, name, rarity, created_at }) => (
          <li key={version}>
            <span>{t('templates.versionNumber', { version })}</span>
            <span className={`${style.grow} ${common.ellipsis}`} title={name}>
              {name}
            </span>
            <RarityTag rarity={rarity} />
            <span className={common.small}>
              <Time value={created_at} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
