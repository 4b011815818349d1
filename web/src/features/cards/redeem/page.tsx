import { CheckCircleOutlined, ScanOutlined, WarningOutlined } from '@ant-design/icons'
import { Alert, Button, Input } from 'antd'
import { type FormEvent, lazy, Suspense, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#api/client.ts'
import { type Redemption, useRedeem } from '#api/redemptions.ts'
import { useAddress } from '#ui/address.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { useFormat } from '#ui/format.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page } from '#ui/page.tsx'
import { ItemFacts } from '../collection/item-facts.tsx'
import { ItemPicture } from '../collection/item-picture.tsx'
import { RarityTag } from '../rarity.tsx'
import { codeInScan, grouped, stateOf } from './code.ts'
import style from './redeem.module.css'

const Scanner = lazy(() => import('./scanner.tsx').then(({ Scanner }) => ({ default: Scanner })))

/** `/cards/redeem?code=…`: where the QR code of a card leads. */
export function Component() {
  const { t } = useTranslation('cards')
  const address = useAddress()
  const [code, setCode] = useState(() => grouped(address.get('code') ?? ''))
  const redeem = useRedeem()
  const begin = () => {
    redeem.reset()
    setCode('')
    address.set({ code: null })
  }
  return (
    <Page title={t('redeem.title')} back="/cards" width="form">
      {redeem.data ? (
        <Reward redemption={redeem.data} onAnother={begin} />
      ) : (
        <CodeForm code={code} setCode={setCode} redeem={redeem} />
      )}
    </Page>
  )
}

function CodeForm({
  code,
  setCode,
  redeem,
}: {
  code: string
  setCode: (code: string) => void
  redeem: ReturnType<typeof useRedeem>
}) {
  const { t } = useTranslation('cards')
  const [isScanning, setScanning] = useState(false)
  const fits = stateOf(code).kind === 'fits'
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (fits && !redeem.isPending) redeem.mutate(code)
  }
  const write = (text: string) => {
    redeem.reset()
    setCode(text)
  }
  const scanned = (text: string) => {
    const found = codeInScan(text)
    if (found === null) return false
    setScanning(false)
    write(found)
    redeem.mutate(found)
    return true
  }
  return (
    <form className={style.form} onSubmit={submit}>
      <p className={style.lead}>{t('redeem.text')}</p>
      <label className={style.label} htmlFor="card-code">
        {t('redeem.code')}
      </label>
      <Input
        id="card-code"
        className={style.code ?? ''}
        size="large"
        value={code}
        placeholder={t('redeem.placeholder')}
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        maxLength={60}
        aria-describedby="card-code-hint"
        onChange={event => write(withGroups(event.target.value, code))}
      />
      <Hint code={code} />
      {redeem.isError && <Failure error={redeem.error} />}
      <div className={style.buttons}>
        <Button type="primary" size="large" htmlType="submit" disabled={!fits} loading={redeem.isPending}>
          {t('redeem.submit')}
        </Button>
        <Button size="large" icon={<ScanOutlined />} onClick={() => setScanning(true)}>
          {t('redeem.scan')}
        </Button>
      </div>
      {isScanning && (
        <Suspense>
          <Scanner onFound={scanned} onClose={() => setScanning(false)} />
        </Suspense>
      )}
    </form>
  )
}

/** Groups come by themselves while one types on; when one deletes, what is typed stays as it is. */
const withGroups = (text: string, before: string): string =>
  text.length < before.length ? text : grouped(text) + (/-$/.test(text) ? '-' : '')

function Hint({ code }: { code: string }) {
  const { t } = useTranslation('cards')
  const state = stateOf(code)
  const text = t(`redeem.hints.${state.kind}`, { ...state })
  const isBad = state.kind === 'check' || state.kind === 'character' || state.kind === 'long'
  return (
    <p id="card-code-hint" className={style.hint} data-kind={isBad ? 'bad' : state.kind} aria-live="polite">
      {state.kind === 'fits' && <CheckCircleOutlined aria-hidden="true" />}
      {isBad && <WarningOutlined aria-hidden="true" />}
      {text}
    </p>
  )
}

function Failure({ error }: { error: Error }) {
  const { t } = useTranslation('cards')
  const format = useFormat()
  const isBlocked = error instanceof ApiError && error.code === 'card.too_many_attempts'
  const wait = isBlocked ? error.retryAfter : undefined
  const left = useCountdown(wait ?? 0, error)
  if (wait === undefined) return <ErrorAlert error={error} />
  if (left <= 0) return null
  const time = format.duration(left * 1000)
  return (
    <div className={style.wait}>
      <Alert type="warning" showIcon title={t('redeem.wait', { time })} />
    </div>
  )
}

/** Seconds left of so many, counted anew for another `cause`. */
function useCountdown(seconds: number, cause: unknown): number {
  const [left, setLeft] = useState(seconds)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same number of seconds may come twice.
  useEffect(() => {
    setLeft(seconds)
    const end = Date.now() + seconds * 1000
    const timer = setInterval(() => {
      const rest = Math.ceil((end - Date.now()) / 1000)
      setLeft(rest)
      if (rest <= 0) clearInterval(timer)
    }, 1000)
    return () => clearInterval(timer)
  }, [seconds, cause])
  return left
}

function Reward({ redemption, onAnother }: { redemption: Redemption; onAnother: () => void }) {
  const { t } = useTranslation('cards')
  const { item, already_owned } = redemption
  return (
    <section className={style.reward} aria-live="polite">
      <p className={style.verdict} data-new={!already_owned}>
        {!already_owned && <CheckCircleOutlined aria-hidden="true" />}
        {t(already_owned ? 'redeem.owned' : 'redeem.won')}
      </p>
      <div className={style.card} data-new={!already_owned}>
        <ItemPicture item={item} />
        <div className={style.cardText}>
          <h2 className={style.name}>{item.name}</h2>
          <RarityTag rarity={item.rarity} />
        </div>
      </div>
      {item.description && <p className={style.description}>{item.description}</p>}
      <ItemFacts item={item} />
      {item.rewards.membership && !already_owned && <p className={style.note}>{t('redeem.rewards.note')}</p>}
      <div className={style.buttons}>
        <LinkButton type="primary" size="large" to={`/cards/collection?item=${item.id}`}>
          {t('redeem.toCollection')}
        </LinkButton>
        <Button size="large" onClick={onAnother}>
          {t('redeem.another')}
        </Button>
      </div>
    </section>
  )
}
