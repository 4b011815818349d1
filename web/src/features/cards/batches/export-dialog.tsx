import { Alert, Button, Checkbox, ColorPicker, Form, InputNumber, Modal, Segmented, Select } from 'antd'
import { useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type CardBatch, type SheetPlan, useSheetPlan } from '#api/cards.ts'
import { address, type Query } from '#api/client.ts'
import common from '#ui/common.module.css'
import { ErrorAlert } from '#ui/error.tsx'
import { useFormat } from '#ui/format.tsx'
import { useNarrow } from '#ui/use-narrow.ts'
import style from '../cards.module.css'

const formats = ['csv', 'pdf', 'svg'] as const
type FileFormat = (typeof formats)[number]

/** More than one PDF can hold comes as a ZIP of several. */
function fileOf(kind: FileFormat, isSplit: boolean): { path: string; query?: Query } {
  if (kind === 'csv') return { path: 'codes.csv' }
  return kind === 'svg' || isSplit ? { path: 'sheets.zip', query: { format: kind } } : { path: 'sheets.pdf' }
}

type Fields = {
  from: number
  to: number
  bom: boolean
  page: 'a4' | 'letter' | 'custom'
  page_width: number
  page_height: number
  card_width: number
  card_height: number
  margin: number
  gap: number
  bleed: number
  background: string
  crop_marks: boolean
  show_name: boolean
  show_number: boolean
}

const initial: Omit<Fields, 'to'> = {
  from: 1,
  bom: true,
  page: 'a4',
  page_width: 210,
  page_height: 297,
  card_width: 90,
  card_height: 54,
  margin: 8,
  gap: 0,
  bleed: 3,
  background: 'ffffff',
  crop_marks: true,
  show_name: true,
  show_number: true,
}

/** Takes codes out of a batch: as a table, or as sheets whose first page is shown before. */
export function ExportDialog({
  batch,
  isOpen,
  onClose,
}: {
  batch: CardBatch
  isOpen: boolean
  onClose: () => void
}) {
  const { t } = useTranslation('cards')
  const isNarrow = useNarrow()
  return (
    <Modal
      open={isOpen}
      onCancel={onClose}
      title={t('export.title', { name: batch.name })}
      width={isNarrow ? '100%' : 880}
      footer={null}
      destroyOnHidden
    >
      <ExportForm batch={batch} onClose={onClose} />
    </Modal>
  )
}

function ExportForm({ batch, onClose }: { batch: CardBatch; onClose: () => void }) {
  const { t } = useTranslation('cards')
  const [kind, setKind] = useState<FileFormat>('csv')
  const [fields, setFields] = useState<Fields>({ ...initial, to: batch.quantity })
  const isSheets = kind !== 'csv'
  const { from, to, bom, ...sheet } = fields
  const sheetQuery: Query = { from, to, ...sheet }
  const query = isSheets ? sheetQuery : { from, to, bom }
  const plan = useSheetPlan(batch.id, useDeferredValue(sheetQuery), isSheets)
  const cards = to - from + 1
  const isSplit = kind === 'pdf' && plan.data !== undefined && cards > plan.data.most_cards
  const file = fileOf(kind, isSplit)
  const isReady = from <= to && (!isSheets || (plan.isSuccess && !plan.isPlaceholderData))
  return (
    <Form
      layout="vertical"
      initialValues={fields}
      onValuesChange={(_, all: Fields) => setFields({ ...fields, ...withoutHoles(all) })}
    >
      <Form.Item>
        <Segmented<FileFormat>
          value={kind}
          onChange={setKind}
          options={formats.map(value => ({ value, label: t(`export.formats.${value}`) }))}
        />
      </Form.Item>
      <div className={isSheets ? style.sheet : undefined}>
        <div>
          {!isSheets && <p className={common.text}>{t('export.csvText')}</p>}
          <div className={common.row}>
            <Form.Item label={t('export.from')} name="from">
              <InputNumber className={common.full ?? ''} min={1} max={batch.quantity} precision={0} />
            </Form.Item>
            <Form.Item label={t('export.to')} name="to">
              <InputNumber className={common.full ?? ''} min={1} max={batch.quantity} precision={0} />
            </Form.Item>
          </div>
          {isSheets ? (
            <SheetFields isCustom={fields.page === 'custom'} />
          ) : (
            <Form.Item name="bom" valuePropName="checked">
              <Checkbox>{t('export.bom')}</Checkbox>
            </Form.Item>
          )}
        </div>
        {isSheets && (
          <Plan plan={plan.data} error={plan.error} isPdf={kind === 'pdf'} cards={cards} isSplit={isSplit} />
        )}
      </div>
      <div className={common.formEnd}>
        <span className={`${common.small} ${style.grow}`}>{t('export.audited')}</span>
        <Button onClick={onClose}>{t('export.cancel')}</Button>
        <Button
          type="primary"
          disabled={!isReady}
          href={address(`/cards/batches/${batch.id}/${file.path}`, { ...query, ...file.query })}
          download
          onClick={onClose}
        >
          {t('export.download')}
        </Button>
      </div>
    </Form>
  )
}

/** A number that is just being typed may be missing; the last one stays. */
const withoutHoles = (fields: Fields): Partial<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined))

const lengths = [
  ['card_width', 'cardWidth', 20, 500],
  ['card_height', 'cardHeight', 20, 500],
  ['margin', 'margin', 0, 100],
  ['gap', 'gap', 0, 50],
  ['bleed', 'bleed', 0, 20],
] as const
const pageLengths = [
  ['page_width', 'pageWidth', 20, 2000],
  ['page_height', 'pageHeight', 20, 2000],
] as const

function SheetFields({ isCustom }: { isCustom: boolean }) {
  const { t } = useTranslation('cards')
  return (
    <>
      <Form.Item label={t('export.page')} name="page">
        <Select
          options={(['a4', 'letter', 'custom'] as const).map(value => ({
            value,
            label: t(`export.pages.${value}`),
          }))}
        />
      </Form.Item>
      <div className={common.row}>
        {[...(isCustom ? pageLengths : []), ...lengths].map(([name, text, min, max]) => (
          <Form.Item key={name} label={t(`export.${text}`)} name={name}>
            <InputNumber className={common.full ?? ''} min={min} max={max} suffix={t('export.mm')} />
          </Form.Item>
        ))}
        <Form.Item
          label={t('export.background')}
          name="background"
          getValueFromEvent={(colour: { toHex(): string }) => colour.toHex().slice(0, 6)}
        >
          <ColorPicker disabledAlpha format="hex" />
        </Form.Item>
      </div>
      <div className={style.checks}>
        {(
          [
            ['crop_marks', 'cropMarks'],
            ['show_name', 'showName'],
            ['show_number', 'showNumber'],
          ] as const
        ).map(([name, text]) => (
          <Form.Item key={name} name={name} valuePropName="checked" noStyle>
            <Checkbox>{t(`export.${text}`)}</Checkbox>
          </Form.Item>
        ))}
      </div>
    </>
  )
}

function Plan({
  plan,
  error,
  isPdf,
  cards,
  isSplit,
}: {
  plan: SheetPlan | undefined
  error: unknown
  isPdf: boolean
  cards: number
  isSplit: boolean
}) {
  const { t } = useTranslation('cards')
  const format = useFormat()
  if (error) return <ErrorAlert error={error} />
  if (!plan) return <div className={style.preview} />
  const { redeem_url: url } = plan
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)
  return (
    <div className={style.plan}>
      <img
        className={style.preview}
        src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(plan.preview)}`}
        alt={t('export.preview')}
      />
      <p className={common.small}>{t('export.preview')}</p>
      <p className={common.small}>
        {t('export.plan', {
          columns: plan.columns,
          rows: plan.rows,
          count: plan.sheets,
          sheets: format.number(plan.sheets),
        })}
      </p>
      {isSplit && (
        <p className={common.small}>
          {t('export.split', {
            count: Math.ceil(cards / plan.part_cards),
            files: format.number(Math.ceil(cards / plan.part_cards)),
            cards: format.number(plan.part_cards),
          })}
        </p>
      )}
      {cards > plan.most_cards && <p className={common.small}>{t('export.long')}</p>}
      {isLocal ? (
        <Alert type="warning" showIcon title={t('export.local', { url })} />
      ) : (
        <p className={common.small}>{t('export.leadsTo', { url })}</p>
      )}
      {isPdf && !plan.is_name_printable && <Alert type="warning" showIcon title={t('export.nameLeftOut')} />}
    </div>
  )
}
