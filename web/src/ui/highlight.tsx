import { Fragment } from 'react'

/** Text with the server's marks (U+0001 hit U+0002) as highlighted hits. */
export function Highlight({ text }: { text: string }) {
  return text.split('\u0001').map((part, index) => {
    const [hit, rest] = index === 0 ? ['', part] : cut(part)
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never move.
      <Fragment key={index}>
        {hit && <mark>{hit}</mark>}
        {rest}
      </Fragment>
    )
  })
}

function cut(part: string): [string, string] {
  const end = part.indexOf('\u0002')
  return end === -1 ? [part, ''] : [part.slice(0, end), part.slice(end + 1)]
}
