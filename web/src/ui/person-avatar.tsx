import { Avatar } from 'antd'

/** A person's picture, or the first letter of the name. Decorative: the name stands beside it or on the control. */
export function PersonAvatar({ name, url, size = 32 }: { name: string; url: string | null; size?: number }) {
  const first = Array.from(name.trim())[0]?.toLocaleUpperCase() ?? '?'
  return (
    <Avatar size={size} src={url ?? undefined} alt="" aria-hidden="true">
      {first}
    </Avatar>
  )
}
