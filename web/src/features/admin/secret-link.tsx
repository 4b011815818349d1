import { Secret } from '#ui/secret.tsx'
import style from './admin.module.css'

/** A link that is shown once, to be handed over. */
export function SecretLink({ link, text, copyLabel }: { link: string; text: string; copyLabel: string }) {
  return (
    <div role="status">
      <p className={style.text}>{text}</p>
      <Secret text={link} copyLabel={copyLabel} />
    </div>
  )
}
