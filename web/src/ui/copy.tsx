import { CheckOutlined, CopyOutlined } from '@ant-design/icons'
import { App, Button, type ButtonProps, Tooltip } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'

/** Copies `text`, and says so. Without `children` it is an icon; `label` is then its name. */
export function CopyButton({
  text,
  label,
  children,
  ...button
}: { text: string | (() => string); label?: string } & Pick<
  ButtonProps,
  'children' | 'size' | 'type' | 'className'
>) {
  const { t } = useTranslation('app')
  const { message } = App.useApp()
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setCopied(false), 2_000)
    return () => clearTimeout(timer)
  }, [isCopied])

  const copy = async () => {
    const done = await copyText(typeof text === 'function' ? text() : text)
    setCopied(done)
    if (!done) message.warning(t('copy.failed'))
  }
  const name = isCopied ? t('copy.done') : (label ?? t('copy.action'))
  const inner = (
    <Button
      type={children ? 'default' : 'text'}
      size={children ? 'middle' : 'small'}
      {...button}
      icon={isCopied ? <CheckOutlined /> : <CopyOutlined />}
      onClick={copy}
      aria-label={children ? undefined : name}
    >
      {children}
    </Button>
  )
  return children ? inner : <Tooltip title={name}>{inner}</Tooltip>
}

/** False when the browser refused (no permission, no secure context and no old way either). */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Over plain http on another host there is no clipboard API; the old command still works.
    const area = document.createElement('textarea')
    area.value = text
    area.className = 'visually-hidden'
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}
