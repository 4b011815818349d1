// Runs before the first paint, so that a dark screen never flashes white. The colours are those of src/ui/theme.ts.
;(() => {
  let choice = null
  try {
    choice = localStorage.getItem('banyan.theme')
  } catch {
    // Storage may be forbidden; the system's own choice is then used.
  }
  const dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  const root = document.documentElement
  root.dataset.theme = dark ? 'dark' : 'light'
  root.style.colorScheme = dark ? 'dark' : 'light'
  root.style.backgroundColor = dark ? '#0f1412' : '#f6f8f7'
  document.querySelector('meta[name="theme-color"]').content = dark ? '#0f1412' : '#f6f8f7'
})()
