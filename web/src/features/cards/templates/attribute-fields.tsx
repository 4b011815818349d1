import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Form, Input, InputNumber, Select, Switch } from 'antd'
import { useTranslation } from 'react-i18next'
import type { AttributeNode } from '#api/cards.ts'
import common from '#ui/common.module.css'
import style from '../cards.module.css'
import { isEmpty } from './attributes.ts'
import { FileField } from './file-fields.tsx'
import { useTextOf } from './text-of.ts'

type Path = readonly (string | number)[]

type Place = {
  /** From the innermost list, as the form wants it. */
  path: Path
  /** Where that list stands; not given outside of lists. */
  list?: Path | undefined
  /** The innermost group that may be left out as a whole: nothing in it has to be filled in until something is. */
  optional?: Path | undefined
}

/** A form made from a category's JSON Schema: a field for each of its attributes, below `path`. */
export function AttributeFields({ schema, path, ...place }: Place & { schema: AttributeNode }) {
  // A schema that is just being typed may be anything.
  const required = new Set(Array.isArray(schema.required) ? schema.required : [])
  return Object.entries(schema.properties ?? {})
    .filter(([, node]) => typeof node === 'object' && node !== null)
    .map(([name, node]) => (
      <Attribute
        key={name}
        {...place}
        name={name}
        node={node}
        path={[...path, name]}
        isRequired={required.has(name)}
      />
    ))
}

function Attribute({
  name,
  node,
  path,
  list = [],
  optional,
  isRequired,
}: Place & {
  name: string
  node: AttributeNode
  isRequired: boolean
}) {
  const { t } = useTranslation('cards')
  const textOf = useTextOf()
  const label = node['x-titles'] ? textOf(node['x-titles']) : (node.title ?? name)
  if (node.type === 'object')
    return (
      <section className={style.group} aria-label={label}>
        <h3 className={style.groupTitle}>{label}</h3>
        <AttributeFields
          schema={node}
          path={path}
          list={list}
          optional={isRequired ? optional : [...list, ...path]}
        />
      </section>
    )
  if (node.type === 'array' && node.items && !isPlainText(node.items))
    return <Items label={label} node={node} items={node.items} path={path} list={list} />
  const hinted = node.description && patternOf(node)
  return (
    <Form.Item
      name={[...path]}
      label={label}
      extra={node.description}
      {...(node.type === 'boolean' ? { valuePropName: 'checked' } : {})}
      {...(node.type === 'boolean' && isRequired && !optional ? { initialValue: false } : {})}
      rules={[
        form => ({
          required:
            isRequired &&
            node.type !== 'boolean' &&
            !(optional && isEmpty(form.getFieldValue([...optional]))),
          message: t('common.required'),
        }),
        ...(hinted ? [{ pattern: hinted, message: t('templates.wrongForm') }] : []),
      ]}
    >
      <Value node={node} />
    </Form.Item>
  )
}

/** What a text has to look like; a pattern that is just being typed may be none. */
function patternOf({ pattern }: AttributeNode): RegExp | undefined {
  try {
    return pattern ? new RegExp(pattern, 'u') : undefined
  } catch {
    return undefined
  }
}

const isPlainText = (node: AttributeNode): boolean => node.type === 'string' && !node.enum && !node.format

/** `Form.Item` hands value and change handler to whichever field it is. */
function Value({ node, ...field }: { node: AttributeNode; id?: string }) {
  const textOf = useTextOf()
  if (Array.isArray(node.enum))
    return (
      <Select
        {...field}
        allowClear
        options={node.enum.map(value => {
          const titles = node['x-enum-titles']?.[value]
          return { value, label: titles ? textOf(titles) : value }
        })}
      />
    )
  if (node.type === 'boolean') return <Switch {...field} />
  if (node.type === 'integer' || node.type === 'number')
    return (
      <InputNumber
        {...field}
        className={common.full ?? ''}
        {...(node.minimum === undefined ? {} : { min: node.minimum })}
        {...(node.maximum === undefined ? {} : { max: node.maximum })}
        {...(node.type === 'integer' ? { precision: 0 } : {})}
      />
    )
  if (node.type === 'array') return <Select {...field} mode="tags" open={false} suffixIcon={null} />
  if (node.format === 'audio' || node.format === 'image') return <FileField {...field} kind={node.format} />
  return (
    <Input
      {...field}
      autoComplete="off"
      type={node.format === 'date' ? 'date' : 'text'}
      {...(node.maxLength === undefined ? {} : { maxLength: node.maxLength })}
    />
  )
}

function Items({
  label,
  node,
  items,
  path,
  list,
}: {
  label: string
  node: AttributeNode
  items: AttributeNode
  path: Path
  list: Path
}) {
  const { t } = useTranslation('cards')
  const here = [...list, ...path]
  return (
    <section className={style.group} aria-label={label}>
      <h3 className={style.groupTitle}>{label}</h3>
      <Form.List name={[...path]}>
        {(fields, { add, remove }, { errors }) => (
          <>
            {fields.map(({ key, name }, at) => (
              <div key={key} className={style.item}>
                <div className={style.grow}>
                  {items.type === 'object' ? (
                    <AttributeFields schema={items} path={[name]} list={here} />
                  ) : (
                    <Attribute name={String(at + 1)} node={items} path={[name]} list={here} isRequired />
                  )}
                </div>
                <Button
                  type="text"
                  icon={<MinusCircleOutlined />}
                  aria-label={t('templates.removeFile')}
                  onClick={() => remove(name)}
                />
              </div>
            ))}
            <Button
              className={style.add ?? ''}
              icon={<PlusOutlined />}
              aria-label={label}
              disabled={node.maxItems !== undefined && fields.length >= node.maxItems}
              onClick={() => add()}
            />
            <Form.ErrorList errors={errors} />
          </>
        )}
      </Form.List>
    </section>
  )
}
