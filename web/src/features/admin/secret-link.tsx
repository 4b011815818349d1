import common from '#ui/common.module.css'
import { Secret } from '#ui/secret.tsx'

/** A link that is shown once, to be handed over. */
export function SecretLink({ link, text, copyLabel }: { link: string; text: string; copyLabel: string }) {
  return (
    <div role="status">
      <p className={common.text}>{text}</p>
      <Secret text={link} copyLabel={copyLabel} />
    </div>
  )
}
