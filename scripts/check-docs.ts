/** `node scripts/check-docs.ts`: whether everything that the documents name exists in the tree. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const documents = ['*.md', 'docs/*.md', 'src/**/README.md', '{web,sdk}/README.md']
const sources = [
  '{src,web/src,sdk,scripts,bench,e2e}/**/*.{ts,tsx,css}',
  '*.json',
  '*.ts',
  '{.ci,bin}/*',
  '{web,sdk}/*.{json,ts}',
]
const skipped = (path: string) => /(^|\/)(node_modules|dist)(\/|$)/.test(path)

/** What the documents are held against. */
type Tree = {
  root: string
  files: ReadonlySet<string>
  words: ReadonlySet<string>
  /** The sources themselves, for names that are more than a word. */
  text: string
  routes: ReadonlySet<string>
  scripts: ReadonlySet<string>
}

/** Every name in the documents below `root` that nothing in the tree answers to, as `document: name`. */
export function missingNames(root: string): string[] {
  const tree = readTree(root)
  return find(root, documents).flatMap(document => {
    const text = readFileSync(join(root, document), 'utf8')
    const missing = namesIn(text).filter(name => !isThere(tree, posix.dirname(document), name))
    return [...new Set(missing)].map(name => `${document}: ${name}`)
  })
}

const find = (root: string, patterns: string[]): string[] =>
  globSync(patterns, { cwd: root, exclude: path => skipped(String(path)) }).map(path =>
    path.replaceAll('\\', '/'),
  )

function readTree(root: string): Tree {
  const files = find(root, ['{src,web,sdk,scripts,bench,e2e,docs,.ci,bin}/**', '*', '.*'])
  // What only comes to be when something runs.
  const made = readFileSync(join(root, '.gitignore'), 'utf8').match(/[\w./-]*\w/g) ?? []
  const text = find(root, sources)
    .map(path => readFileSync(join(root, path), 'utf8'))
    .join('\n')
  // Every route stands in the access matrix, or in the rows that a module adds to it.
  const rows = find(root, ['src/access-matrix.test.ts', 'src/modules/*/{testing,*-access}.ts'])
  const matrix = rows.map(path => readFileSync(join(root, path), 'utf8')).join('\n')
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  return {
    root,
    files: new Set([...files, ...made.map(path => path.replace(/^\//, ''))]),
    words: new Set(text.match(/[\p{L}\p{N}_$]+/gu)),
    text,
    routes: new Set([...matrix.matchAll(/'[A-Z]+ (\/[^']*)'/g)].map(match => asPattern(match[1] ?? ''))),
    scripts: new Set(Object.keys(scripts)),
  }
}

/**
 * Inline code and targets of links; of code blocks, the npm scripts and the addresses. What a block of the document
 * shows may be spoken of around it.
 */
function namesIn(text: string): string[] {
  const fence = /^ *```\w*\n([\s\S]*?)^ *```/gm
  const blocks = [...text.matchAll(fence)].map(match => match[1] ?? '').join('\n')
  const prose = text.replace(fence, '')
  const code = [...prose.matchAll(/`([^`\n]+)`/g)].map(match => match[1] ?? '')
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(match => match[1] ?? '')
  const commands = blocks.match(/npm run [\w:-]+|npm (?:start|test)/g) ?? []
  const addresses = blocks.match(/\/(?:api\/)?v1\/[\w$/{}.-]+/g) ?? []
  const local = links.filter(link => !/^[a-z]+:|^#/.test(link)).map(link => link.replace(/#.*/, ''))
  const isAddress = (name: string) => name.includes('/v1/')
  return [
    ...code.filter(name => isAddress(name) || !blocks.includes(name)),
    ...local,
    ...commands,
    ...addresses,
  ]
}

/** `/api/v1/chat/messages/:id` for whatever stands in place of the id. */
const asPattern = (path: string): string =>
  path
    .replace(/\?.*/, '')
    .replace(/\/$/, '')
    .split('/')
    .map(part => (/^[:$]|[{}A-Z]/.test(part) ? ':' : part))
    .join('/')

function isThere(tree: Tree, folder: string, name: string): boolean {
  const script = /^npm (?:run )?([\w:-]+)/.exec(name)?.[1]
  if (script && script !== 'ci') return tree.scripts.has(script)
  const address =
    /^(?:[A-Z]+ )?(\/(?:api\/)?v1(?:\/\S*)?|\/(?:health|ready|metrics|docs|openapi\.json))$/.exec(name)?.[1]
  if (address) return isRoute(tree, address)
  // A name has no spaces; anything else is a command, an example or a sentence.
  const plain = name.replace(/\([^)]*\)$/, '')
  if (/^[\w$.#@/*{},<>-]+$/.test(plain)) return isPath(tree, folder, plain) || isWord(tree, plain)
  return true
}

/** A route, a prefix of routes (`/api/v1`), or the one door that is no route: the WebSocket. */
function isRoute({ routes, text }: Tree, address: string): boolean {
  const wanted = asPattern(address)
  return (
    routes.has(wanted) ||
    [...routes].some(route => route.startsWith(`${wanted}/`)) ||
    text.includes(`'${address}'`)
  )
}

function isPath({ root, files }: Tree, folder: string, name: string): boolean {
  const path = name
    .replace(/^#(core|modules)\//, 'src/$1/')
    .replace(/^#(\w+)\//, 'web/src/$1/')
    .replace(/\/$/, '')
  if (existsSync(join(root, folder, path)) || existsSync(join(root, path)) || files.has(path)) return true
  const form = new RegExp(
    `(^|/)${path
      .replace(/[.$]/g, '\\$&')
      .replace(/\*+|<\w+>|\b[A-Z]+\b/g, '[^/]+')
      .replace(/\{([^}]*)\}/g, (_, list: string) => `(${list.replaceAll(',', '|')})`)}$`,
  )
  return /[./*]/.test(path) && [...files].some(file => form.test(file))
}

/** Each part of `db.transaction` or `conversation.not_found` is a word of the sources. */
function isWord({ words, text }: Tree, name: string): boolean {
  if (name.includes('/') || /\.(ts|tsx|md|json)$/.test(name)) return text.includes(name)
  return name.split(/[^\p{L}\p{N}_$]+/u).every(part => part === '' || words.has(part))
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('../', import.meta.url))
  const missing = missingNames(root)
  process.stdout.write(
    missing.length > 0 ? `Not in the tree:\n  ${missing.join('\n  ')}\n` : 'All names exist.\n',
  )
  if (missing.length > 0) process.exitCode = 1
}
