import { type ThemeConfig, theme } from 'antd'

/** The one place for colours, sizes and fonts. Components take them as antd tokens or as `var(--ant-…)` in CSS modules. */

export type ThemeMode = 'light' | 'dark'

const fontFamily = [
  '-apple-system',
  'BlinkMacSystemFont',
  '"Segoe UI"',
  'Roboto',
  '"PingFang SC"',
  '"Noto Sans SC"',
  '"Noto Sans CJK SC"',
  '"Microsoft YaHei"',
  'sans-serif',
].join(', ')
const fontFamilyCode =
  'ui-monospace, "SF Mono", "JetBrains Mono", Menlo, Consolas, "Noto Sans Mono CJK SC", monospace'

const light = {
  colorPrimary: '#0f7b5f',
  colorPrimaryHover: '#0c6a52',
  colorPrimaryActive: '#095642',
  colorPrimaryBg: '#e4f3ee',
  colorPrimaryBgHover: '#d2eae2',
  colorPrimaryBorder: '#9fd0c1',
  colorPrimaryText: '#0f7b5f',
  colorLink: '#0f7b5f',
  colorLinkHover: '#0c6a52',
  colorLinkActive: '#095642',
  colorInfo: '#0f7b5f',
  colorInfoBg: '#e4f3ee',
  colorInfoBorder: '#9fd0c1',
  colorSuccess: '#2b7a2e',
  colorSuccessBg: '#e8f4e8',
  colorSuccessBorder: '#aed6af',
  colorWarning: '#a35b00',
  colorWarningBg: '#fdf4e3',
  colorWarningBorder: '#ecc98e',
  colorError: '#c62f2f',
  colorErrorHover: '#d64848',
  colorErrorActive: '#a52424',
  colorErrorBg: '#fdeeee',
  colorErrorBgHover: '#fbe0e0',
  colorErrorBorder: '#efb3b3',
  colorText: '#18211e',
  colorTextSecondary: '#4a5752',
  colorTextTertiary: '#64716c',
  colorTextQuaternary: '#75827d',
  colorTextDescription: '#64716c',
  colorTextPlaceholder: '#6b7873',
  colorTextDisabled: '#9aa6a1',
  colorBgLayout: '#f6f8f7',
  colorBgContainer: '#ffffff',
  colorBgElevated: '#ffffff',
  colorBgSpotlight: '#24302c',
  colorBorder: '#cfd8d4',
  colorBorderSecondary: '#e5eae8',
  colorFillQuaternary: '#f6f8f7',
  colorFillTertiary: '#eef2f0',
  colorFillSecondary: '#e5ebe8',
  colorFill: '#d9e1dd',
}

const dark: typeof light = {
  colorPrimary: '#2ba57f',
  colorPrimaryHover: '#3bb890',
  colorPrimaryActive: '#24906e',
  colorPrimaryBg: '#15332a',
  colorPrimaryBgHover: '#1a4034',
  colorPrimaryBorder: '#265f4d',
  colorPrimaryText: '#4cc49e',
  colorLink: '#4cc49e',
  colorLinkHover: '#6ad3b1',
  colorLinkActive: '#2ba57f',
  colorInfo: '#34b08a',
  colorInfoBg: '#15332a',
  colorInfoBorder: '#265f4d',
  colorSuccess: '#5fb862',
  colorSuccessBg: '#16301a',
  colorSuccessBorder: '#2f6236',
  colorWarning: '#d99a3d',
  colorWarningBg: '#33270f',
  colorWarningBorder: '#6b5220',
  colorError: '#f07171',
  colorErrorHover: '#f58f8f',
  colorErrorActive: '#d95c5c',
  colorErrorBg: '#371b1b',
  colorErrorBgHover: '#452222',
  colorErrorBorder: '#7a3a3a',
  colorText: '#e6ece9',
  colorTextSecondary: '#b4c0bb',
  colorTextTertiary: '#93a19b',
  colorTextQuaternary: '#84928c',
  colorTextDescription: '#93a19b',
  colorTextPlaceholder: '#84928c',
  colorTextDisabled: '#5d6a65',
  colorBgLayout: '#0f1412',
  colorBgContainer: '#161d1a',
  colorBgElevated: '#1d2622',
  colorBgSpotlight: '#33403b',
  colorBorder: '#35413c',
  colorBorderSecondary: '#252f2b',
  colorFillQuaternary: '#19211e',
  colorFillTertiary: '#1f2824',
  colorFillSecondary: '#28332e',
  colorFill: '#33403a',
}

/** Series colours of charts, told apart also by people who see few colours; the legend and the table carry the names. */
export const chartColors: Record<ThemeMode, readonly string[]> = {
  light: ['#0f7b5f', '#c77d0a', '#3b6fb6', '#a3456f', '#6b7f2a', '#6a57b0', '#8a5a3c', '#4a5752'],
  dark: ['#2ba57f', '#e0a23d', '#6a9ee0', '#d477a0', '#a3b85a', '#9b8ae0', '#c08b68', '#93a19b'],
}

const wantsLessMotion = matchMedia('(prefers-reduced-motion: reduce)').matches

/** Ant Design's theme: seeds give the derived colours, the lists above have the last word. */
export function themeFor(mode: ThemeMode): ThemeConfig {
  const colors = mode === 'dark' ? dark : light
  const base = mode === 'dark' ? theme.darkAlgorithm : theme.defaultAlgorithm
  return {
    algorithm: seed => ({ ...base(seed), ...colors }),
    cssVar: { key: 'banyan' },
    hashed: false,
    token: {
      ...colors,
      borderRadius: 8,
      borderRadiusLG: 12,
      borderRadiusSM: 6,
      fontSize: 14,
      fontFamily,
      fontFamilyCode,
      controlHeight: 34,
      // Its components wait for the end of their motions, which global.css takes away.
      motion: !wantsLessMotion,
      motionDurationMid: '0.15s',
      motionDurationSlow: '0.2s',
    },
    components: {
      Button: {
        primaryColor: mode === 'dark' ? '#04140e' : '#ffffff',
        primaryShadow: 'none',
        defaultShadow: 'none',
        dangerShadow: 'none',
        dangerColor: mode === 'dark' ? '#210505' : '#ffffff',
        fontWeight: 500,
      },
      // The letter on a picture-less avatar is white in both modes.
      Avatar: { colorTextPlaceholder: mode === 'dark' ? '#1d7a5e' : colors.colorPrimary },
      Menu: {
        itemBg: 'transparent',
        activeBarBorderWidth: 0,
        itemSelectedColor: colors.colorPrimaryText,
        itemSelectedBg: colors.colorPrimaryBg,
      },
      Tabs: { itemSelectedColor: colors.colorPrimaryText, itemHoverColor: colors.colorPrimaryText },
      Table: {
        headerBg: 'transparent',
        headerColor: colors.colorTextSecondary,
        headerSplitColor: 'transparent',
      },
      Form: { verticalLabelPadding: '0 0 4px', itemMarginBottom: 20 },
      Segmented: { itemSelectedColor: colors.colorText },
    },
  }
}

/** Sizes of the frame, set once on the document; CSS modules use them by name. */
const frame = {
  '--bar-width': '72px',
  '--bottom-bar-height': '56px',
  '--side-width': '280px',
  '--page-max': '1200px',
  '--form-max': '560px',
  '--card-max': '400px',
  '--thread-max': '768px',
  '--bubble-max': '600px',
  '--touch': '44px',
  '--product-width': '56px',
  '--product-height': '52px',
  '--menu-max': '220px',
  '--chart-height': '280px',
}

/** Below this width (px) the shell is a phone's: bottom bar, panels become pages. */
export const narrowWidth = 768

/** Puts the frame's sizes and the mode on the document, and remembers the mode for the next first paint (boot.js). */
export function applyTheme(mode: ThemeMode) {
  const root = document.documentElement
  for (const [name, value] of Object.entries(frame)) root.style.setProperty(name, value)
  const { colorBgLayout } = mode === 'dark' ? dark : light
  root.dataset.theme = mode
  root.style.colorScheme = mode
  root.style.backgroundColor = colorBgLayout
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', colorBgLayout)
}
