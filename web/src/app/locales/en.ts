import type { SameTexts } from '../i18n/texts.ts'
import type zhCN from './zh-CN.ts'

const en: SameTexts<typeof zhCN> = {
  products: {
    chat: 'Chat',
    cards: 'Cards',
    devices: 'Devices',
    achievements: 'Awards',
    admin: 'Admin',
  },
  shell: {
    products: 'Products',
    skip: 'Skip to the content',
    me: 'Me',
    account: 'Account menu of {{name}}',
    settings: 'Settings',
    organisations: 'Organisations',
    theme: 'Appearance',
    language: 'Language',
    apiDocs: 'API documentation',
    signOut: 'Sign out',
  },
  theme: { system: 'As the system', light: 'Light', dark: 'Dark' },
  status: {
    offline: 'You are offline. What is open stays readable; the rest goes on when the network is back.',
    reconnecting: 'Live updates are interrupted, reconnecting…',
    down: 'Live updates are not available right now; the page refreshes every few seconds instead.',
    newVersion: 'There is a new version of Banyan.',
    reload: 'Update now',
    later: 'Later',
  },
  notFound: {
    title: 'There is nothing here',
    text: 'The address may be wrong, or the content was deleted.',
    home: 'Go to the start page',
  },
  crash: {
    title: 'This page failed',
    text: 'This is a fault in the program; your data is safe. Loading the page again usually helps.',
    reload: 'Reload',
  },
  error: {
    network: { title: 'The server cannot be reached', text: 'Check your network, or try again in a moment.' },
    offline: { text: 'Your device is offline. Try again when the network is back.' },
    signedOut: {
      text: 'You are no longer signed in. What you typed stays here: sign in again in another tab, then try again.',
      signIn: 'Sign in in another tab',
    },
    forbidden: { title: 'You may not see this' },
    notFound: { title: 'Not found' },
    refused: { title: 'That did not work' },
    server: {
      title: 'Something went wrong on the server',
      text: 'Try again in a moment. If it goes on, tell the administrator.',
    },
    unknown: { text: 'Something unexpected happened. Reload the page.' },
    requestId: 'Request id {{id}}',
    copyRequestId: 'Copy the request id',
  },
  common: {
    back: 'Back',
    close: 'Close',
    cancel: 'Cancel',
    save: 'Save',
    saved: 'Saved',
    clear: 'Clear',
    delete: 'Delete',
    undo: 'Undo',
    retry: 'Try again',
    loading: 'Loading',
    never: 'Never',
    none: 'None',
    show: 'Show',
    moreTabs: 'More tabs',
    hide: 'Hide',
  },
  copy: {
    action: 'Copy',
    done: 'Copied',
    failed: 'The browser does not allow copying. Select the text by hand.',
  },
  speech: {
    dictate: 'Dictate',
    scripted: 'Dictate (demonstration: only prepared sentences come back)',
    recording: 'Recording',
    working: 'Turning speech into text',
    done: 'Done, turn it into text',
    cancel: 'Discard the recording (Esc)',
    nothing: 'Nobody was heard speaking. Move closer to the microphone and try again.',
    noEngine:
      'No speech recognition is connected yet. Ask the administrator to set the keys of a speech service on the server.',
    microphone: {
      insecure: 'Browsers allow the microphone only when this site is opened by HTTPS or on localhost.',
      denied:
        'The browser has no permission to use the microphone. Allow it in the site settings of the address bar, then try again.',
      missing: 'No microphone was found. Connect one and try again.',
      busy: 'Another program is using the microphone. Close it and try again.',
    },
    readAloud: 'Read aloud',
    stopReading: 'Stop reading',
    preview: 'Preview voice',
    previewHint:
      'Read by the built-in engine, eSpeak NG, which sounds like a machine. A speech service that the administrator connects sounds far more natural.',
  },
  table: { more: 'Load more', actions: 'Actions' },
  chart: { showTable: 'Show as a table', showChart: 'Show as a chart' },
}
export default en
