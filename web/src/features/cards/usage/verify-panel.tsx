import { CheckCircleOutlined, CloseCircleOutlined } from '@ant-design/icons'
import { Button, Progress } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type UsageChain, type UsageFinding, useUsageChains, useVerify } from '#api/redemptions.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { CopyButton } from '#ui/copy.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert, ErrorState } from '#ui/error.tsx'
import { Time, useFormat } from '#ui/format.tsx'
import { Panel } from '#ui/panel.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import style from './usage.module.css'
import { useFindingText } from './use-texts.ts'

type Result = { progress: number; findings: UsageFinding[] | null }

/** The log of each batch, and whether it is whole. */
export function VerifyPanel() {
  const { t } = useTranslation('cards')
  const address = useAddress()
  const isOpen = address.get('verify') !== undefined
  return (
    <Panel title={t('usage.verify.title')} isOpen={isOpen} onClose={() => address.set({ verify: null })}>
      <Chains />
    </Panel>
  )
}

function Chains() {
  const { t } = useTranslation('cards')
  const chains = useUsageChains(true)
  const verify = useVerify()
  const [results, setResults] = useState<Record<string, Result>>({})
  const [isBusy, setBusy] = useState(false)
  if (chains.isPending) return <ListSkeleton />
  if (!chains.data) return <ErrorState error={chains.error} onRetry={() => chains.refetch()} />
  const { items } = chains.data
  if (items.length === 0) return <EmptyState title={t('usage.verify.empty')} />

  const put = (id: string, result: Result) => setResults(all => ({ ...all, [id]: result }))
  const run = async (ids: readonly string[]) => {
    setBusy(true)
    try {
      for (const id of ids) {
        put(id, { progress: 0, findings: null })
        const onProgress = (progress: number) => put(id, { progress, findings: null })
        const { findings } = await verify.mutateAsync({ id, onProgress })
        put(id, { progress: 1, findings })
      }
    } catch {
      // Shown from `verify.error`.
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <p className={common.text}>{t('usage.verify.text')}</p>
      {verify.isError && <ErrorAlert error={verify.error} />}
      <Button type="primary" loading={isBusy} onClick={() => run(items.map(item => item.batch_id))}>
        {t('usage.verify.start')}
      </Button>
      <ul className={style.chains}>
        {items.map(chain => (
          <Chain
            key={chain.batch_id}
            chain={chain}
            result={results[chain.batch_id]}
            isBusy={isBusy}
            onVerify={() => run([chain.batch_id])}
          />
        ))}
      </ul>
      {chains.hasNextPage && (
        <Button loading={chains.isFetchingNextPage} onClick={() => chains.fetchNextPage()}>
          {t('collection.more')}
        </Button>
      )}
    </>
  )
}

function Chain({
  chain,
  result,
  isBusy,
  onVerify,
}: {
  chain: UsageChain
  result: Result | undefined
  isBusy: boolean
  onVerify: () => void
}) {
  const { t } = useTranslation('cards')
  const format = useFormat()
  const findingText = useFindingText()
  return (
    <li className={style.chain}>
      <div className={style.chainHead}>
        <span className={style.chainName}>{chain.batch?.name ?? t('usage.verify.unknownBatch')}</span>
        {result?.findings ? (
          <Verdict count={result.findings.length} />
        ) : (
          <Button size="small" disabled={isBusy} onClick={onVerify}>
            {t('usage.verify.one')}
          </Button>
        )}
      </div>
      <p className={style.small}>
        {t('usage.verify.rows', { rows: format.number(chain.last_seq) })} · {t('usage.verify.sealed')}{' '}
        <Time value={chain.sealed_at} />
      </p>
      <p className={style.small} title={t('usage.verify.hashHint')}>
        {t('usage.verify.hash')} <code>{chain.hash.slice(0, 16)}…</code>
        <CopyButton text={chain.hash} />
      </p>
      {result && !result.findings && <Progress percent={Math.round(result.progress * 100)} size="small" />}
      {result?.findings && result.findings.length > 0 && (
        <ul className={style.findings}>
          {result.findings.map(finding => (
            <li key={`${finding.kind} ${finding.first_seq}`}>
              {findingText(finding)}
              {finding.id && <code className={style.id}>{finding.id}</code>}
            </li>
          ))}
        </ul>
      )}
    </li>
  )
}

function Verdict({ count }: { count: number }) {
  const { t } = useTranslation('cards')
  return count === 0 ? (
    <span className={style.ok}>
      <CheckCircleOutlined aria-hidden="true" /> {t('usage.verify.ok')}
    </span>
  ) : (
    <span className={style.bad}>
      <CloseCircleOutlined aria-hidden="true" /> {t('usage.verify.bad', { count })}
    </span>
  )
}
