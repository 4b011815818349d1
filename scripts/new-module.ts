/** `npm run new-module NAME`: adds a small module that works, to be turned into what it shall be. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Prefixes of paths, tables and settings that the core has taken. */
const taken = new Set(['ai', 'auth', 'core', 'http', 'jobs', 'mail', 'realtime', 'users'])

/** What is wrong with what was asked for, in a sentence. */
export class NewModuleError extends Error {
  override name = 'NewModuleError'
}

/**
 * Writes `src/modules/<name>` and enters it where modules are listed. Either all of it is done or nothing.
 * @throws {NewModuleError} for a name that cannot be, or that is there already.
 */
export function newModule(root: string, name: string): string[] {
  checkName(root, name)
  const folder = `src/modules/${name}`
  const edited = {
    'src/catalog.ts': inBlock(
      'export const catalog',
      `  ${name}: () => import('#modules/${name}/index.ts'),`,
    ),
    'src/access-matrix.test.ts': inBlock(
      'const routes: Record<string, AccessEntry>',
      `\n  'GET /api/v1/${name}/items': signedIn,\n  'POST /api/v1/${name}/items': signedIn,`,
    ),
    'biome.json': (text: string) => withBoundary(text, name),
  }
  const before = new Map([...Object.keys(edited), '.env.example'].map(path => [path, read(root, path)]))
  const after = Object.entries(edited).map(([path, edit]) => [path, edit(before.get(path) ?? '')] as const)
  const files = [...moduleFiles(root, name), ...after]
  try {
    for (const [path, text] of files) {
      mkdirSync(join(root, dirname(path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    // A longer name breaks lines elsewhere than the template's.
    run(root, 'node_modules/@biomejs/biome/bin/biome', 'check', '--write', folder, ...Object.keys(edited))
    run(root, 'scripts/env-example.ts')
  } catch (error) {
    rmSync(join(root, folder), { recursive: true, force: true })
    for (const [path, text] of before) writeFileSync(join(root, path), text)
    throw error
  }
  return [...files.map(([path]) => path), '.env.example']
}

function checkName(root: string, name: string) {
  if (!/^[a-z][a-z0-9]{1,19}$/.test(name))
    throw new NewModuleError(
      `“${name}” cannot be a module’s name: 2 to 20 small letters and digits, a letter first.`,
    )
  if (taken.has(name)) throw new NewModuleError(`The core uses the name “${name}” itself. Choose another.`)
  if (existsSync(join(root, 'src/modules', name))) throw new NewModuleError(`src/modules/${name} exists.`)
}

const template = 'scripts/module-template'

/** The template's files under the new name. The template is a module too, so that it is checked like one. */
function moduleFiles(root: string, name: string): [string, string][] {
  const capital = name.charAt(0).toUpperCase() + name.slice(1)
  const renamed = (text: string) =>
    text.replaceAll('sample', name).replaceAll('Sample', capital).replaceAll('SAMPLE', name.toUpperCase())
  const paths = readdirSync(join(root, template), { recursive: true, encoding: 'utf8' })
  return paths
    .filter(path => /\.(ts|md)$/.test(path))
    .map(path => [
      // The template's test has another name, since it can pass in a catalogue only.
      `src/modules/${name}/${renamed(path.replaceAll('\\', '/').replace('-test.ts', '.test.ts'))}`,
      renamed(read(root, join(template, path))),
    ])
}

/** Adds lines at the end of the object literal that begins with `opening`. */
const inBlock = (opening: string, lines: string) => (text: string) => {
  const start = text.indexOf(opening)
  const end = text.indexOf('\n}\n', start)
  if (start < 0 || end < 0) throw new NewModuleError(`There is no “${opening}” where it was expected.`)
  return `${text.slice(0, end)}\n${lines}${text.slice(end)}`
}

/** Adds Biome's rule that a module knows only the core and the contracts of the others. */
function withBoundary(text: string, name: string): string {
  const config = JSON.parse(text) as { overrides: object[] }
  const group = ['../../**', '#modules/*/**', '!#modules/*/contract.ts', '!#modules/*/testing.ts']
  const pattern = {
    group: [...group, `!#modules/${name}/**`],
    message: 'A module knows only the core and the contract.ts of other modules.',
  }
  const noRestrictedImports = { level: 'error', options: { patterns: [pattern] } }
  config.overrides.push({
    includes: [`src/modules/${name}/**`],
    linter: { rules: { style: { noRestrictedImports } } },
  })
  return `${JSON.stringify(config, null, 2)}\n`
}

const read = (root: string, path: string) => readFileSync(join(root, path), 'utf8')

function run(root: string, ...script: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, script, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${script.join(' ')} failed:\n${stdout}${stderr}`)
}

function nextSteps(name: string): string {
  const steps = [
    [`npx vitest run src/modules/${name}`, 'its test passes; keep it so while you change what it tests'],
    [`src/modules/${name}/contract.ts`, 'name your things: types, permissions, events, errors'],
    [`src/modules/${name}/README.md`, 'say what it is for'],
    ['src/access-matrix.test.ts', 'a row for each route you add'],
    ['npm run sdk', 'writes its types into the SDK; again after each change of a route'],
    ['ARCHITECTURE.md', 'where everything else goes'],
    ['web/README.md', `its pages, in web/src/features/${name}`],
  ] as const
  const width = Math.max(...steps.map(([place]) => place.length))
  return `\nNext:\n${steps.map(([place, what]) => `  ${place.padEnd(width)}  ${what}\n`).join('')}`
}

if (import.meta.main) {
  const [name = ''] = process.argv.slice(2)
  try {
    if (name === '') throw new NewModuleError('Which name? npm run new-module NAME')
    const paths = newModule(fileURLToPath(new URL('../', import.meta.url)), name)
    process.stdout.write(`Written:\n${paths.map(path => `  ${path}\n`).join('')}${nextSteps(name)}`)
  } catch (error) {
    process.stderr.write(`${error instanceof NewModuleError ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
