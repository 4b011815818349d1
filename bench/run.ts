/** `npm run bench [name …]`: each figure beside its baseline in the same run, as a ratio; results in bench/results/. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { benchAchievements } from './achievements.ts'
import { benchCards } from './cards.ts'
import { benchDevices } from './devices.ts'
import { benchFrames } from './frames.ts'
import { benchGateway } from './gateway.ts'
import { benchList } from './list.ts'
import { benchPromises } from './promises.ts'
import { benchRedemptions } from './redemptions.ts'
import { benchSubscribers } from './subscribers.ts'

export type Figure = {
  name: string
  value: number
  unit: string
  baseline?: number
  baselineName?: string
  /** value / baseline */
  ratio?: number
  bar?: string
  reached?: boolean
}

const benches: Record<string, () => Promise<Figure[]>> = {
  list: () => benchList(4),
  gateway: () => benchGateway(8),
  subscribers: benchSubscribers,
  frames: benchFrames,
  promises: benchPromises,
  cards: benchCards,
  devices: benchDevices,
  redemptions: benchRedemptions,
  achievements: benchAchievements,
}

const asked = process.argv.slice(2)
const unknown = asked.filter(name => !(name in benches))
if (unknown.length > 0) {
  process.stderr.write(
    `There is no bench “${unknown.join('”, “')}”. There are: ${Object.keys(benches).join(', ')}.\n`,
  )
  process.exit(1)
}

const figures: Figure[] = []
for (const [name, bench] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  process.stdout.write(`${name} …\n`)
  for (const figure of await bench()) {
    figures.push(figure)
    process.stdout.write(`  ${lineOf(figure)}\n`)
  }
}

const directory = new URL('results/', import.meta.url)
mkdirSync(directory, { recursive: true })
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const at = new Date().toISOString()
writeFileSync(
  new URL(`${at.replaceAll(':', '-')}.json`, directory),
  `${JSON.stringify({ at, commit, node: process.version, cores: availableParallelism(), figures }, null, 2)}\n`,
)

function lineOf({ name, value, unit, baseline, baselineName, ratio, bar, reached }: Figure): string {
  const parts = [`${name}: ${value.toLocaleString('en', { maximumFractionDigits: 2 })} ${unit}`]
  if (baseline !== undefined)
    parts.push(`${baselineName}: ${baseline.toLocaleString('en', { maximumFractionDigits: 2 })}`)
  if (ratio !== undefined) parts.push(`ratio ${ratio.toFixed(2)}`)
  if (bar) parts.push(`bar ${bar} ${reached ? '✓' : '✗'}`)
  return parts.join(' · ')
}
