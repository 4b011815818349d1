import { memo, useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { copyText } from '#ui/copy.tsx'
import { type Blocks, blockTexts, openCode, splitBlocks } from './blocks.ts'
import { enginesVersion, onEngines } from './engines.ts'
import type { CodeLabels } from './html.ts'
import style from './markdown.module.css'
import { blockHtml } from './render.ts'

/**
 * Markdown that may still be growing. Every finished block is parsed once; while text streams in, only the last
 * block is parsed again.
 */
export const Markdown = memo(function Markdown({
  text,
  isStreaming = false,
}: {
  text: string
  isStreaming?: boolean
}) {
  const { t } = useTranslation('chat')
  const root = useRef<HTMLDivElement>(null)
  const blocks = useGrowingBlocks(text)
  const version = useSyncExternalStore(onEngines, enginesVersion)
  const copy = t('markdown.copyCode')
  const code = t('markdown.code')
  const copied = t('markdown.copied')
  const labels = useMemo(() => ({ copy, code }), [copy, code])

  useEffect(() => {
    const host = root.current
    if (!host) return
    const onClick = async (event: MouseEvent) => {
      const button = event.target instanceof Element ? event.target.closest('button[data-copy]') : null
      const text = button?.closest('figure')?.querySelector('code')?.textContent
      if (!button || !text || !(await copyText(text.replace(/\n$/, '')))) return
      button.textContent = copied
      setTimeout(() => {
        button.textContent = copy
      }, 2_000)
    }
    host.addEventListener('click', onClick)
    return () => host.removeEventListener('click', onClick)
  }, [copied, copy])

  return (
    <div ref={root} className={style.markdown}>
      {blocks.map((block, index) => (
        <Block
          // biome-ignore lint/suspicious/noArrayIndexKey: a block keeps its place while the text grows behind it.
          key={index}
          text={block}
          isFinal={!isStreaming || index < blocks.length - 1}
          version={version}
          labels={labels}
        />
      ))}
    </div>
  )
})

function useGrowingBlocks(text: string): string[] {
  const last = useRef<Blocks>(undefined)
  return useMemo(() => {
    last.current = splitBlocks(text, last.current)
    return blockTexts(last.current)
  }, [text])
}

type BlockProps = { text: string; isFinal: boolean; version: number; labels: CodeLabels }

const Block = memo(function Block({ text, isFinal, version, labels }: BlockProps) {
  const open = isFinal ? null : openCode(text)
  if (open) {
    return (
      <figure className="md-code">
        <figcaption>
          <span>{open.language || labels.code}</span>
        </figcaption>
        <pre>
          <code>{open.code}</code>
        </pre>
      </figure>
    )
  }
  // biome-ignore lint/security/noDangerouslySetInnerHtml: sanitised by DOMPurify in blockHtml.
  return <div dangerouslySetInnerHTML={{ __html: blockHtml(text, labels, version, isFinal) }} />
})
