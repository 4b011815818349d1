import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'

const project = fileURLToPath(new URL('../', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'banyan-new-module-'))
const edited = ['src/catalog.ts', 'src/access-matrix.test.ts', 'biome.json', '.env.example']

beforeAll(() => {
  const parts = ['src', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts', '.gitignore']
  for (const part of [...parts, 'biome.json', '.env.example'])
    cpSync(join(project, part), join(root, part), { recursive: true })
  symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function run(...args: string[]) {
  const env = { ...process.env, TEST_DATABASE_URL: inject('databaseServer') }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}
const newModule = (...args: string[]) => run('scripts/new-module.ts', ...args)
const contents = () => edited.map(path => readFileSync(join(root, path), 'utf8'))

test('a name that cannot be is refused, and nothing is written', { timeout: 240_000 }, () => {
  const before = contents()
  for (const name of ['', 'Wiki', '1wiki', 'my-wiki', 'w', '../wiki', 'core', 'users', 'x'.repeat(21)]) {
    expect(newModule(name).status, name).toBe(1)
  }
  expect(newModule('chat')).toMatchObject({
    status: 1,
    output: expect.stringContaining('src/modules/chat exists'),
  })
  expect(contents()).toEqual(before)
})

test('a failure half-way leaves nothing behind', { timeout: 240_000 }, () => {
  const catalog = join(root, 'scripts/env-example.ts')
  const whole = readFileSync(catalog)
  const before = contents()
  rmSync(catalog)
  expect(newModule('wiki').status).toBe(1)
  expect(contents()).toEqual(before)
  expect(existsSync(join(root, 'src/modules/wiki'))).toBe(false)
  cpSync(join(project, 'scripts/env-example.ts'), catalog)
  expect(readFileSync(catalog)).toEqual(whole)
})

test('a new module passes the checks and its own test', () => {
  // A long name, so that lines break elsewhere than in the template.
  const name = 'knowledgelibrary2'
  const made = newModule(name)
  expect(made, made.output).toMatchObject({ status: 0 })
  expect(newModule(name).output).toContain('exists')
  for (const text of contents()) expect(text.toLowerCase()).toContain(name)

  const checked = run('node_modules/@biomejs/biome/bin/biome', 'ci', `src/modules/${name}`, 'biome.json')
  expect(checked.status, checked.output).toBe(0)
  const typed = run('node_modules/typescript/bin/tsc', '--noEmit')
  expect(typed.status, typed.output).toBe(0)
  const tested = run(
    'node_modules/vitest/vitest.mjs',
    'run',
    `src/modules/${name}`,
    'src/core/config.test.ts',
  )
  expect(tested.status, tested.output).toBe(0)
}, 600_000)
