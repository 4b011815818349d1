import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type ReadyBanyan, startReadyBanyan } from './banyan.ts'
import { keepPictures, type Looks, launchBrowser, type Visit, visit } from './browser.ts'
import { startUpstream, type Upstream } from './upstream.ts'

/** What a test file is about: a Banyan, the model behind it, and a browser. There from the first test on. */
export type Site = {
  banyan: ReadyBanyan
  upstream: Upstream
  /** A browser of its own, which is closed after the test. */
  open(looks?: Partial<Looks>): Promise<Visit>
}

/**
 * A site for all tests of a file. A test during which a browser complained of anything but `mayComplain` fails: such
 * as answers that refuse, which browsers report by themselves.
 */
export function useSite({ mayComplain }: { mayComplain?: RegExp } = {}): Site {
  const visits: Visit[] = []
  const site: Partial<Site> = {}
  let browser: Browser | undefined
  beforeAll(async () => {
    const upstream = await startUpstream()
    const [banyan, launched] = await Promise.all([startReadyBanyan(upstream.url), launchBrowser()])
    browser = launched
    const open = async (looks?: Partial<Looks>) => {
      const opened = await visit(launched, banyan, looks)
      visits.push(opened)
      return opened
    }
    Object.assign(site, { banyan, upstream, open })
  })
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await keepPictures(task.name, visits)
    const complaints = visits.flatMap(each => each.complaints())
    await Promise.all(visits.splice(0).map(({ context }) => context.close()))
    expect(complaints.filter(text => !mayComplain?.test(text))).toEqual([])
  })
  afterAll(async () => {
    await browser?.close()
    await site.banyan?.stop()
    await site.upstream?.stop()
  })
  return site as Site
}
