import { setUpModules } from '#core/app.ts'
import { identityKey } from '#modules/identity/contract.ts'
import { withServices } from './with-services.ts'

/** `banyan sign-in-link [user]`: for those who locked themselves out. Prints a link that signs in once. */
export const signInLink = (user: string | undefined): Promise<void> =>
  withServices(async ({ core }, modules, config) => {
    const { use } = await setUpModules({ modules }, config, core)
    const link = await use(identityKey).createSignInLink(user)
    const address = core.settings.PUBLIC_URL || `http://localhost:${core.settings.PORT}`
    process.stdout.write(
      `This link signs “${link.username}” in, once, until ${link.expires_at}:\n${address}/sign-in/link#token=${link.token}\n`,
    )
  })
