import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { LRUCache } from 'lru-cache'
import { defineError } from '#core/errors.ts'
import { inputIssues } from '#core/http/input-issues.ts'
import { schemaProblems, unusable } from './properties-schema.ts'
import type { JsonObject } from './tables.ts'

const schemaInvalid = defineError({
  code: 'device_type.schema_invalid',
  status: 422,
  en: 'This is not a JSON Schema that can be used. See the list of errors.',
  'zh-CN': '无法使用这个 JSON Schema，请查看错误列表。',
})
const stateInvalid = defineError({
  code: 'device_state.invalid',
  status: 422,
  en: 'Devices of this type do not take these values. See the list of errors.',
  'zh-CN': '这一类设备不接受这些值，请查看错误列表。',
})

const compiled = new LRUCache<string, ValidateFunction>({ max: 200 })

function createAjv(): Ajv {
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: true, verbose: true, logger: false })
  addFormats.default(ajv)
  return ajv
}

function compile(schema: JsonObject): ValidateFunction {
  const text = JSON.stringify(schema)
  const known = compiled.get(text)
  if (known) return known
  const validate = createAjv().compile(schema)
  compiled.set(text, validate)
  return validate
}

/**
 * Refuses a schema that could not be used: not of an object, too large, with references to elsewhere, or with a
 * regular expression, since one of those can keep the server busy for ever.
 * @throws AppError `device_type.schema_invalid`, with what is wrong where
 */
export function checkSchema(schema: JsonObject): void {
  const at = 'body/properties_schema'
  const ajv = createAjv()
  const issues = schemaProblems(schema, at, name => ajv.formats[name] !== undefined)
  if (issues.length === 0 && !ajv.validateSchema(schema)) issues.push(...inputIssues(ajv.errors ?? [], at))
  if (issues.length > 0) throw schemaInvalid({}, { issues })
  try {
    compile(schema)
  } catch (cause) {
    throw schemaInvalid({}, { cause, issues: [{ pointer: `/${at}`, detail: unusable }] })
  }
}

/** @throws AppError `device_state.invalid`, with what is wrong where */
export function checkProperties(schema: JsonObject, values: JsonObject): void {
  const validate = compile(schema)
  if (validate(values)) return
  throw stateInvalid({}, { issues: inputIssues(validate.errors ?? [], 'body/desired') })
}
