import { createRequire } from 'node:module'
import { Ajv, type Options } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifySchemaCompiler, FastifySerializerCompiler, FastifyServerOptions } from 'fastify'
import type { JsonSchema } from './schema.ts'

/** A schema that is made when its route is first asked: to make and compile all of them takes seconds of a start. */
export class LazySchema {
  readonly make: () => JsonSchema

  constructor(make: () => JsonSchema) {
    this.make = make
  }
}

type Validate = ReturnType<FastifySchemaCompiler<LazySchema>>
type Serialize = ReturnType<FastifySerializerCompiler<LazySchema>>

const load = createRequire(import.meta.url)

/** For Fastify's option `schemaController`; every schema of a route is a `LazySchema`. */
export function lazyCompilers(): NonNullable<FastifyServerOptions['schemaController']> {
  const compile = createValidators()
  const buildValidator =
    (): FastifySchemaCompiler<LazySchema> =>
    ({ schema, httpPart }) => {
      let compiled: Validate | undefined
      const validate: Validate = data => {
        compiled ??= compile(schema.make(), httpPart)
        const isValid = compiled(data)
        validate.errors = compiled.errors
        return isValid
      }
      return validate
    }
  const buildSerializer =
    (): FastifySerializerCompiler<LazySchema> =>
    ({ schema }) => {
      let compiled: Serialize | undefined
      return data => {
        compiled ??= (load('fast-json-stringify') as typeof import('fast-json-stringify'))(
          schema.make(),
        ) as Serialize
        return compiled(data)
      }
    }
  return { compilersFactory: { buildValidator, buildSerializer } } as never
}

/** Bodies are taken as they are; query strings and path parameters arrive as text and are coerced. */
function createValidators() {
  const common: Options = {
    useDefaults: true,
    removeAdditional: false,
    allErrors: true,
    strict: false,
    discriminator: true,
    verbose: true,
  }
  const make = (coerceTypes: Options['coerceTypes']) => {
    const ajv = new Ajv({ ...common, coerceTypes })
    addFormats.default(ajv)
    return ajv
  }
  let exact: Ajv | undefined
  let coercing: Ajv | undefined
  return (schema: JsonSchema, httpPart: string | undefined): Validate => {
    if (httpPart === 'body') exact ??= make(false)
    else coercing ??= make('array')
    const ajv = (httpPart === 'body' ? exact : coercing) as Ajv
    return ajv.compile(schema) as Validate
  }
}
