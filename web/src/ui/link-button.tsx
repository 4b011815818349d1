import { Button, type ButtonProps } from 'antd'
import type { MouseEvent } from 'react'
import { useHref, useLinkClickHandler } from 'react-router'

/** Looks like a button and is a link: opens in a new tab, can be copied, needs no page load. */
export function LinkButton({
  to,
  replace = false,
  onClick,
  ...button
}: Omit<ButtonProps, 'href' | 'htmlType'> & { to: string; replace?: boolean }) {
  const href = useHref(to)
  const go = useLinkClickHandler<HTMLElement>(to, { replace })
  return (
    <Button
      {...button}
      href={href}
      onClick={event => {
        onClick?.(event)
        if (!event.defaultPrevented) go(event as MouseEvent<HTMLAnchorElement>)
      }}
    />
  )
}
