import type { TFunction } from 'i18next'

// The first that matches wins: Edge and Opera also call themselves Chrome, Chrome also Safari.
const browsers: [RegExp, string][] = [
  [/MicroMessenger/, 'WeChat'],
  [/Edg(A|iOS)?\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
]
const systems: [RegExp, string][] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/HarmonyOS/, 'HarmonyOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
]

const find = (list: [RegExp, string][], agent: string) => list.find(([pattern]) => pattern.test(agent))?.[1]

/** “Chrome on macOS”; the program's own first word for what is not a browser. */
export function deviceName(agent: string, t: TFunction<'identity'>): string {
  const browser = find(browsers, agent)
  const system = find(systems, agent)
  if (browser && system) return t('device.name', { browser, system })
  return browser ?? system ?? (agent.split(/[\s/]/)[0]?.slice(0, 40) || t('device.unknown'))
}
