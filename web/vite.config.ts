import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'

const server = process.env.BANYAN_SERVER ?? 'http://127.0.0.1:8080'

/** Addresses that belong to the server: never answered by the app's own page, in development or offline. */
const serverPaths = /^\/(api|v1|docs|openapi\.json|metrics|health|ready)(\/|$|\?)/

/**
 * Ant Design announces every icon as a picture, by the English name of its file. Most only decorate: beside them stands
 * a text, or their button has a name. So an icon is a picture only where it is given a name, in the reader's language.
 */
const quietIcons: Plugin = {
  name: 'quiet-icons',
  enforce: 'pre',
  transform: {
    filter: { id: /@ant-design[\\/]icons[\\/]es[\\/]components[\\/]AntdIcon(Light)?\.js/ },
    handler(code, id) {
      const quiet = code.replace(
        /role: "img",\s*"aria-label": icon\.name/,
        `role: restProps["aria-label"] ? "img" : undefined,
         "aria-hidden": restProps["aria-label"] ? undefined : true`,
      )
      if (quiet === code) this.error(`Icons are announced in another way now: look at ${id}`)
      return quiet
    },
  },
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [
    react(),
    quietIcons,
    VitePWA({
      registerType: 'prompt',
      injectRegister: false,
      includeAssets: ['icon.svg', 'apple-touch-icon.png', 'boot.js'],
      manifest: {
        id: '/',
        name: 'Banyan',
        short_name: 'Banyan',
        description: 'A self-hosted platform for AI products',
        lang: 'zh-CN',
        start_url: '/',
        display: 'standalone',
        background_color: '#f6f8f7',
        theme_color: '#0f7b5f',
        icons: [
          { src: '/icon-192.png', sizes: '192x192', type: 'image/png' },
          { src: '/icon-512.png', sizes: '512x512', type: 'image/png' },
          { src: '/icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
        ],
      },
      workbox: {
        // The shell and the pages work offline; what is big and rare is kept once it has been used.
        globPatterns: ['index.html', 'assets/*.{js,css}'],
        globIgnores: ['assets/{chart-canvas,highlight,katex,mermaid,opus-worker}*'],
        maximumFileSizeToCacheInBytes: 3_000_000,
        navigateFallback: '/index.html',
        navigateFallbackDenylist: [serverPaths],
        runtimeCaching: [
          {
            urlPattern: /\/assets\/.+\.(js|css|woff2)$/,
            handler: 'CacheFirst',
            options: { cacheName: 'assets', expiration: { maxEntries: 120 } },
          },
        ],
      },
    }),
  ],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      output: {
        // A group's parts would otherwise carry the names of all pages that use them.
        chunkFileNames: chunk => `assets/${chunk.name.replace(/~.*/, '')}-[hash].js`,
        codeSplitting: {
          groups: [
            {
              name: 'react',
              priority: 20,
              test: /node_modules[\\/](react|react-dom|scheduler|react-router|react-i18next|i18next|@tanstack[\\/](react-query|query-core))[\\/]/,
            },
            {
              // What every page needs anyway, in one file instead of twenty; tables, charts and panels stay lazy.
              name: 'shared',
              priority: 5,
              test: /[/]web[/]src[/](api|ui[/](?!data-table|chart|panel|side-column))/,
            },
            {
              name: 'antd',
              // One part per set of pages: the sign-in does not wait for the tables.
              entriesAware: true,
              entriesAwareMergeThreshold: 60_000,
              priority: 10,
              test: /node_modules[\\/](antd|dayjs|@rc-component|@ant-design[\\/](?!x)[^\\/]+|@emotion|stylis)[\\/]/,
            },
          ],
        },
      },
    },
  },
  // In development the packages are bundled ahead, by plugins of their own.
  optimizeDeps: { rolldownOptions: { plugins: [quietIcons] } },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ['/api', '/v1', '/docs', '/openapi.json'].map(path => [path, { target: server, ws: path === '/api' }]),
    ),
  },
})
