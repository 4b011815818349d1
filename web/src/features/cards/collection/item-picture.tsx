import {
  CustomerServiceOutlined,
  IdcardOutlined,
  RocketOutlined,
  SkinOutlined,
  SmileOutlined,
} from '@ant-design/icons'
import type { ReactNode } from 'react'
import { address } from '#api/client.ts'
import type { CardItem } from '#api/redemptions.ts'
import style from './collection.module.css'

const icons: Record<string, ReactNode> = {
  dance: <SmileOutlined />,
  song: <CustomerServiceOutlined />,
  clothing: <SkinOutlined />,
  game: <RocketOutlined />,
}

/** The cover, or, where there is none, a field in the manner of the rarity. */
export function ItemPicture({ item }: { item: Pick<CardItem, 'images' | 'category' | 'rarity'> }) {
  const [cover] = item.images
  return (
    <div className={style.picture} data-rarity={item.rarity}>
      {cover ? (
        <img src={address(`/cards/files/${cover}/content`)} alt="" loading="lazy" className={style.cover} />
      ) : (
        <span className={style.noCover} aria-hidden="true">
          {icons[item.category] ?? <IdcardOutlined />}
        </span>
      )}
    </div>
  )
}
