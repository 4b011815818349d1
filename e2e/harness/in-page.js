/** What runs inside the browser; `page-check.ts` calls it there. */
globalThis.inPage = {
  /** Texts that are still keys, such as `chat.list.title`. */
  rawKeys() {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    const texts = []
    while (walker.nextNode()) {
      const node = walker.currentNode
      // Names of jobs and permissions are shown as code, and look the same.
      if (!node.parentElement?.closest('script, style, code, pre')) texts.push(node.textContent ?? '')
    }
    for (const element of document.querySelectorAll('[aria-label], [placeholder], [title]')) {
      if (element.querySelector('code')) continue
      for (const name of ['aria-label', 'placeholder', 'title']) texts.push(element.getAttribute(name) ?? '')
    }
    return texts.map(text => text.trim()).filter(text => /^[a-z]+(\.[a-zA-Z]+)+$/.test(text))
  },

  /**
   * Icons and buttons whose names are in another language than the page, or are the names of files. `isEmpty`: nothing
   * on the page was written by people, who may write in any language.
   */
  foreignNames(isEmpty) {
    const isEnglish = document.documentElement.lang === 'en'
    const isChinese = text => /\p{Script=Han}/u.test(text)
    const shown = [...document.querySelectorAll('[role="img"], button, [role="button"], a')].filter(
      element => !element.closest('[aria-hidden="true"]'),
    )
    return shown.flatMap(element => {
      const isPicture = element.getAttribute('role') === 'img'
      const name = (element.getAttribute('aria-label') ?? (isPicture ? '' : element.textContent) ?? '').trim()
      const isFile = isPicture && /^[a-z]+(-[a-z]+)*$/.test(name)
      const isForeign = isEnglish ? isEmpty && isChinese(name) : isPicture && name !== '' && !isChinese(name)
      return isFile || isForeign ? [name] : []
    })
  },

  /** How many pixels of the page are beside the window. */
  sideways: () => document.documentElement.scrollWidth - innerWidth,

  /** No skeleton and no spinner is left, and fonts and pictures are there. */
  isSettled: () =>
    document.querySelector('main') !== null &&
    document.querySelector('.ant-skeleton, .ant-spin-spinning, [aria-busy="true"]') === null &&
    document.fonts.status === 'loaded' &&
    [...document.images].every(image => image.complete || image.loading === 'lazy'),

  /** The serious and critical violations that axe-core finds. */
  async axeFaults() {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] })
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => {
        const places = nodes
          .slice(0, 3)
          .map(node => `${node.target.join(' ')}: ${node.any[0]?.message ?? ''}`)
        return `axe ${id} (${nodes.length}): ${places.join(' | ')}`
      })
  },
}
