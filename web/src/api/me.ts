import { createContext, useContext } from 'react'
import type { Me } from './types.ts'

const MeContext = createContext<Me | null>(null)

/** Set by the shell, which shows nothing before it is known who is there. */
export const MeProvider = MeContext.Provider

/** The signed-in person. Only inside the shell. */
export function useMe(): Me {
  const me = useContext(MeContext)
  if (!me) throw new Error('useMe outside the shell')
  return me
}

/** Whether the signed-in person has the permission, such as `chat.bots.manage`. */
export function useCan(): (permission: string) => boolean {
  const { permissions } = useMe()
  return permission => permissions.includes(permission)
}
