import { PlusOutlined, RobotOutlined } from '@ant-design/icons'
import { useQueryClient } from '@tanstack/react-query'
import { App, Button, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import type { Device, Offer } from '#api/device-types.ts'
import { deviceKeys, useAcceptOffer, useDevices, useOffers, useRemoveOffer } from '#api/devices.ts'
import { useChannel } from '#api/live.ts'
import { useMe } from '#api/me.ts'
import common from '#ui/common.module.css'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState, useErrorText } from '#ui/error.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page, Section } from '#ui/page.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import style from '../devices.module.css'
import { MenuButton } from '../menu-button.tsx'
import { PresenceText } from '../presence.tsx'

export function Component() {
  const { t } = useTranslation('devices')
  const { id } = useMe()
  const client = useQueryClient()
  const devices = useDevices()
  const readAgain = () => {
    void client.invalidateQueries({ queryKey: deviceKeys.mine })
    void client.invalidateQueries({ queryKey: deviceKeys.offers })
  }
  useChannel(`devices.user.${id}`, {
    onItems: readAgain,
    onReady: ({ recovered }) => !recovered && readAgain(),
  })
  const hasSome = (devices.data?.items.length ?? 0) > 0
  return (
    <Page
      title={t('mine.title')}
      action={
        <div className={common.actions}>
          <MenuButton />
          <LinkButton to="/devices/virtual">{t('talk.virtual.title')}</LinkButton>
          {hasSome && (
            <LinkButton to="/devices/add" type="primary" icon={<PlusOutlined />}>
              {t('mine.add')}
            </LinkButton>
          )}
        </div>
      }
    >
      <div className={style.stack}>
        <Offers />
        {devices.isPending ? (
          <ListSkeleton />
        ) : !devices.data ? (
          <ErrorState error={devices.error} onRetry={() => devices.refetch()} />
        ) : hasSome ? (
          <ul className={style.cards} aria-label={t('mine.title')}>
            {devices.data.items.map(device => (
              <li key={device.id}>
                <DeviceCard device={device} />
              </li>
            ))}
          </ul>
        ) : (
          <FirstUse />
        )}
      </div>
    </Page>
  )
}

function FirstUse() {
  const { t } = useTranslation('devices')
  return (
    <EmptyState
      icon={<RobotOutlined />}
      title={t('mine.empty.title')}
      description={t('mine.empty.text')}
      action={
        <LinkButton to="/devices/add" type="primary" icon={<PlusOutlined />}>
          {t('mine.add')}
        </LinkButton>
      }
    />
  )
}

function DeviceCard({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  return (
    <Link to={`/devices/my/${device.id}`} className={style.card}>
      <div className={style.cardHead}>
        <RobotOutlined aria-hidden="true" />
        <span className={style.cardName} title={device.name}>
          {device.name}
        </span>
        {device.is_primary && <Tag color="success">{t('mine.primary')}</Tag>}
        {device.role === 'member' && (
          <Tag>{t('mine.shared', { name: device.owner?.display_name ?? '' })}</Tag>
        )}
      </div>
      <div className={common.small}>
        {device.type.name}
        {device.presence.battery !== null &&
          ` · ${t('presence.battery', { percent: device.presence.battery })}`}
      </div>
      <div className={common.small}>
        <PresenceText presence={device.presence} />
      </div>
    </Link>
  )
}

/** What others would like to share or hand over. */
function Offers() {
  const { t } = useTranslation('devices')
  const offers = useOffers()
  if (!offers.data || offers.data.items.length === 0) return null
  return (
    <Section title={t('offers.title')}>
      <ul className={style.rows}>
        {offers.data.items.map(offer => (
          <OfferRow key={offer.id} offer={offer} />
        ))}
      </ul>
    </Section>
  )
}

function OfferRow({ offer }: { offer: Offer }) {
  const { t } = useTranslation('devices')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const accept = useAcceptOffer()
  const decline = useRemoveOffer()
  const names = { name: offer.from?.display_name ?? '', device: offer.device.name }
  const onError = (error: unknown) => void message.error(errorText(error))
  return (
    <li>
      <span className={style.grow}>{t(`offers.${offer.kind}`, names)}</span>
      <span className={common.actions}>
        <Button
          type="primary"
          loading={accept.isPending}
          onClick={() =>
            accept.mutate(
              { id: offer.id },
              { onSuccess: () => void message.success(t('offers.accepted', names)), onError },
            )
          }
        >
          {t('offers.accept')}
        </Button>
        <Button loading={decline.isPending} onClick={() => decline.mutate(offer.id, { onError })}>
          {t('offers.decline')}
        </Button>
      </span>
    </li>
  )
}
