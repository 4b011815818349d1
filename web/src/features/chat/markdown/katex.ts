import katex from 'katex'
import 'katex/dist/katex.min.css'

/** Null where the formula cannot be read: it is then shown as written. */
export function math(tex: string, isDisplay: boolean): string | null {
  try {
    return katex.renderToString(tex, {
      displayMode: isDisplay,
      throwOnError: true,
      trust: false,
      strict: 'ignore',
      maxSize: 20,
      maxExpand: 200,
    })
  } catch {
    return null
  }
}
