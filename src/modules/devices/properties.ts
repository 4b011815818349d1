import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { LRUCache } from 'lru-cache'
import { defineError, type InputIssue, type Locale } from '#core/errors.ts'
import { inputIssues } from '#core/http/input-issues.ts'
import type { JsonObject } from './tables.ts'

const schemaInvalid = defineError({
  code: 'device_type.schema_invalid',
  status: 422,
  en: 'This is not a JSON Schema that can be used: {reason}',
  'zh-CN': '无法使用这个 JSON Schema：{reason}',
})
const stateInvalid = defineError({
  code: 'device_state.invalid',
  status: 422,
  en: 'Devices of this type do not take these values. See the list of errors.',
  'zh-CN': '这一类设备不接受这些值，请查看错误列表。',
})

const maxSchemaBytes = 32_768
const compiled = new LRUCache<string, ValidateFunction>({ max: 200 })

function compile(schema: JsonObject): ValidateFunction {
  const text = JSON.stringify(schema)
  const known = compiled.get(text)
  if (known) return known
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: true })
  addFormats.default(ajv)
  const validate = ajv.compile(schema)
  compiled.set(text, validate)
  return validate
}

/**
 * Refuses a schema that could not be used: not of an object, too large, with references to elsewhere, or with a
 * regular expression, since one of those can keep the server busy for ever.
 * @throws AppError `device_type.schema_invalid`
 */
export function checkSchema(schema: JsonObject): void {
  const text = JSON.stringify(schema)
  const refuse = (reason: string) => {
    throw schemaInvalid({ reason })
  }
  if (text.length > maxSchemaBytes) refuse(`> ${maxSchemaBytes} bytes`)
  if (schema.type !== 'object') refuse('type ≠ object')
  if (/"pattern":"|"(?:patternProperties|\$dynamicRef|\$recursiveRef)":/.test(text)) refuse('pattern')
  try {
    compile(schema)
  } catch (error) {
    refuse(error instanceof Error ? error.message.slice(0, 200) : String(error))
  }
}

/** @throws AppError `device_state.invalid`, with what is wrong where */
export function checkProperties(schema: JsonObject, values: JsonObject, locale: Locale): void {
  const validate = compile(schema)
  if (validate(values)) return
  const issues: InputIssue[] = inputIssues(
    (validate.errors ?? []) as Parameters<typeof inputIssues>[0],
    'body',
    locale,
  )
  throw stateInvalid({}, { issues })
}
