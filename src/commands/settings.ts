import { loadModules } from '#catalog'
import { aiSettings } from '#core/ai/settings.ts'
import type { SettingsSpec } from '#core/config.ts'
import { coreSettings } from '#core/settings.ts'
import { speechSettings } from '#core/speech/settings.ts'

/** The settings of the core and of every module, as `.env.example` groups them. */
export async function allSettingGroups(): Promise<{ title: string; spec: SettingsSpec }[]> {
  const modules = await loadModules()
  return [
    { title: 'core', spec: coreSettings },
    { title: 'ai', spec: aiSettings },
    { title: 'speech', spec: speechSettings },
    ...modules
      .filter(module => Object.keys(module.settings).length > 0)
      .map(module => ({ title: module.name, spec: module.settings })),
  ]
}
