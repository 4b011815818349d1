/** Writes `.env.example` from the settings that the code declares. */
import { writeFileSync } from 'node:fs'
import { envExample } from '#core/config.ts'
import { allSettingGroups } from '../src/commands/settings.ts'

writeFileSync(new URL('../.env.example', import.meta.url), envExample(await allSettingGroups()))
