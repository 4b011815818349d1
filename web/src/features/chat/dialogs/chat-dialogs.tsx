import {
  createContext,
  lazy,
  type ReactNode,
  Suspense,
  useContext,
  useEffect,
  useMemo,
  useState,
} from 'react'
import type { Conversation, Folder } from '#api/types.ts'

type Dialogs = {
  search: () => void
  instructions: () => void
  import: () => void
  share: (conversation: Conversation) => void
  /** Makes a folder, and moves the conversation into it. */
  newFolder: (conversation?: Conversation) => void
  renameFolder: (folder: Folder) => void
}

type Open =
  | { name: 'search' | 'instructions' | 'import' }
  | { name: 'share'; conversation: Conversation }
  | { name: 'folder'; folder: Folder | null; conversation: Conversation | null }

const nothing = () => {}
const DialogsContext = createContext<Dialogs>({
  search: nothing,
  instructions: nothing,
  import: nothing,
  share: nothing,
  newFolder: nothing,
  renameFolder: nothing,
})

/** Opens what belongs to no single page: search, instructions, import, share, folders. */
export const useChatDialogs = (): Dialogs => useContext(DialogsContext)

const SearchDialog = lazy(() => import('./search-dialog.tsx'))
const InstructionsDialog = lazy(() => import('./instructions-dialog.tsx'))
const ImportDialog = lazy(() => import('./import-dialog.tsx'))
const ShareDialog = lazy(() => import('./share-dialog.tsx'))
const FolderDialog = lazy(() => import('./folder-dialog.tsx'))

export function ChatDialogs({ children }: { children: ReactNode }) {
  const [open, setOpen] = useState<Open | null>(null)
  const dialogs = useMemo<Dialogs>(
    () => ({
      search: () => setOpen({ name: 'search' }),
      instructions: () => setOpen({ name: 'instructions' }),
      import: () => setOpen({ name: 'import' }),
      share: conversation => setOpen({ name: 'share', conversation }),
      newFolder: conversation =>
        setOpen({ name: 'folder', folder: null, conversation: conversation ?? null }),
      renameFolder: folder => setOpen({ name: 'folder', folder, conversation: null }),
    }),
    [],
  )
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.shiftKey) return
      event.preventDefault()
      setOpen(current => (current?.name === 'search' ? null : { name: 'search' }))
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
  const close = () => setOpen(null)
  return (
    <DialogsContext value={dialogs}>
      {children}
      <Suspense>
        {open?.name === 'search' && <SearchDialog onClose={close} />}
        {open?.name === 'instructions' && <InstructionsDialog onClose={close} />}
        {open?.name === 'import' && <ImportDialog onClose={close} />}
        {open?.name === 'share' && <ShareDialog conversation={open.conversation} onClose={close} />}
        {open?.name === 'folder' && (
          <FolderDialog folder={open.folder} conversation={open.conversation} onClose={close} />
        )}
      </Suspense>
    </DialogsContext>
  )
}
