import { CopyButton } from './copy.tsx'
import style from './secret.module.css'

/** Something that is shown once, to be copied. */
export function Secret({ text, copyLabel }: { text: string; copyLabel: string }) {
  return (
    <div className={style.secret}>
      <code>{text}</code>
      <CopyButton text={text} label={copyLabel} />
    </div>
  )
}
