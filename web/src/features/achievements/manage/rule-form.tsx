import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Form, InputNumber, Radio, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { type Rule, type Tier, tierNames } from '#api/achievements.ts'
import { usePlans } from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import { ConditionFields } from './condition-fields.tsx'
import { addCondition, addTier, removeCondition } from './draft.ts'
import { type Issues, problem } from './issues.ts'
import style from './manage.module.css'

const mostConditions = 5

type Part = { rule: Rule; onChange: (rule: Rule) => void; issues: Issues }

const replaced = <T,>(list: readonly T[], index: number, value: T): T[] =>
  list.map((old, i) => (i === index ? value : old))

export function ConditionList({ rule, onChange, issues, ownId }: Part & { ownId: string | undefined }) {
  const { t } = useTranslation('achievements')
  return (
    <>
      {rule.conditions.length > 1 && (
        <Form.Item label={t('editor.match')}>
          <Radio.Group
            value={rule.match}
            onChange={event => onChange({ ...rule, match: event.target.value === 'any' ? 'any' : 'all' })}
            options={[
              { value: 'all', label: t('editor.matchAll') },
              { value: 'any', label: t('editor.matchAny') },
            ]}
          />
        </Form.Item>
      )}
      {rule.conditions.map((condition, i) => (
        <fieldset
          // biome-ignore lint/suspicious/noArrayIndexKey: conditions are known by their place alone.
          key={i}
          className={style.part}
        >
          <legend>{t('editor.condition', { number: i + 1 })}</legend>
          {rule.conditions.length > 1 && (
            <Button
              className={style.remove ?? ''}
              type="text"
              icon={<MinusCircleOutlined />}
              aria-label={t('editor.removeCondition', { number: i + 1 })}
              onClick={() => onChange(removeCondition(rule, i))}
            />
          )}
          <ConditionFields
            condition={condition}
            ownId={ownId}
            issues={issues}
            pointer={`/rule/conditions/${i}`}
            onChange={next => onChange({ ...rule, conditions: replaced(rule.conditions, i, next) })}
          />
        </fieldset>
      ))}
      {rule.conditions.length < mostConditions && (
        <Button type="dashed" block icon={<PlusOutlined />} onClick={() => onChange(addCondition(rule))}>
          {t('editor.addCondition')}
        </Button>
      )}
    </>
  )
}

export function TierList({ rule, onChange, issues }: Part) {
  const { t } = useTranslation('achievements')
  return (
    <>
      {rule.tiers.map((tier, i) => (
        <fieldset
          // biome-ignore lint/suspicious/noArrayIndexKey: tiers are known by their place alone.
          key={i}
          className={style.part}
        >
          <legend>{t('editor.tier', { number: i + 1 })}</legend>
          {rule.tiers.length > 1 && (
            <Button
              className={style.remove ?? ''}
              type="text"
              icon={<MinusCircleOutlined />}
              aria-label={t('editor.removeTier', { tier: t(`tiers.${tier.tier}`) })}
              onClick={() => onChange({ ...rule, tiers: rule.tiers.filter((_, other) => other !== i) })}
            />
          )}
          <TierFields
            rule={rule}
            tier={tier}
            issues={issues}
            pointer={`/rule/tiers/${i}`}
            onChange={next => onChange({ ...rule, tiers: replaced(rule.tiers, i, next) })}
          />
        </fieldset>
      ))}
      {rule.tiers.length < tierNames.length && (
        <Button type="dashed" block icon={<PlusOutlined />} onClick={() => onChange(addTier(rule))}>
          {t('editor.addTier')}
        </Button>
      )}
    </>
  )
}

function TierFields({
  rule,
  tier,
  onChange,
  issues,
  pointer,
}: {
  rule: Rule
  tier: Tier
  onChange: (tier: Tier) => void
  issues: Issues
  pointer: string
}) {
  const { t } = useTranslation('achievements')
  const { membership } = tier.rewards
  const setMembership = (next: Tier['rewards']['membership']) =>
    onChange({ ...tier, rewards: { membership: next } })
  return (
    <div className={style.fields}>
      <Form.Item label={t('editor.level')} {...problem(issues, `${pointer}/tier`)}>
        <Select
          aria-label={t('editor.level')}
          value={tier.tier}
          onChange={name => onChange({ ...tier, tier: name })}
          options={tierNames.map(name => ({ value: name, label: t(`tiers.${name}`) }))}
        />
      </Form.Item>
      {rule.conditions.map((condition, i) =>
        condition.type === 'prerequisite' ? null : (
          <Form.Item
            // biome-ignore lint/suspicious/noArrayIndexKey: a goal belongs to the condition at its place.
            key={i}
            label={rule.conditions.length === 1 ? t('editor.goal') : t('editor.goalOf', { number: i + 1 })}
            {...problem(issues, `${pointer}/goals/${i}`, `${pointer}/goals`)}
          >
            <InputNumber
              aria-label={t('editor.goalOf', { number: i + 1 })}
              min={1}
              precision={0}
              value={tier.goals[i] ?? 1}
              suffix={condition.type === 'set' ? '%' : undefined}
              onChange={goal => onChange({ ...tier, goals: replaced(tier.goals, i, goal ?? 1) })}
            />
          </Form.Item>
        ),
      )}
      <Form.Item label={t('editor.points')} {...problem(issues, `${pointer}/points`)}>
        <InputNumber
          aria-label={t('editor.points')}
          min={0}
          max={100_000}
          precision={0}
          value={tier.points}
          onChange={points => onChange({ ...tier, points: points ?? 0 })}
        />
      </Form.Item>
      <Form.Item
        label={t('editor.membership')}
        {...problem(issues, `${pointer}/rewards/membership/days`, `${pointer}/rewards/membership`)}
      >
        <InputNumber
          aria-label={t('editor.membership')}
          min={0}
          max={3660}
          precision={0}
          value={membership?.days ?? 0}
          onChange={days => setMembership(days ? { plan: membership?.plan ?? 'vip', days } : null)}
        />
      </Form.Item>
      {membership && (
        <PlanField
          value={membership.plan}
          onChange={plan => setMembership({ ...membership, plan })}
          problem={problem(issues, `${pointer}/rewards/membership/plan`)}
        />
      )}
    </div>
  )
}

function PlanField({
  value,
  onChange,
  problem: shown,
}: {
  value: string
  onChange: (plan: string) => void
  problem: ReturnType<typeof problem>
}) {
  const { t, i18n } = useTranslation('achievements')
  const plans = usePlans(useCan()('billing.plans.manage'))
  const locale = i18n.language === 'en' ? 'en' : 'zh-CN'
  return (
    <Form.Item label={t('editor.plan')} {...shown}>
      <Select
        aria-label={t('editor.plan')}
        value={value}
        onChange={onChange}
        options={(plans.data?.items ?? [{ id: value, names: { 'zh-CN': value, en: value } }])
          .filter(({ id }) => id !== 'free')
          .map(({ id, names }) => ({ value: id, label: names[locale] }))}
      />
    </Form.Item>
  )
}
