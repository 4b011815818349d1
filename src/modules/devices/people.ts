import type { Identity } from '#modules/identity/contract.ts'
import type { PeopleOf } from './views.ts'

/** Looks people up in bulk. Who is gone has no name: null. */
export const createPeople =
  (identity: Pick<Identity, 'usersByIds'>): PeopleOf =>
  async ids => {
    const wanted = [...new Set(ids.filter(id => id !== null))]
    const known = wanted.length === 0 ? new Map() : await identity.usersByIds(wanted)
    return id => {
      const user = id === null ? undefined : known.get(id)
      return user ? { id: user.id, username: user.username, display_name: user.display_name } : null
    }
  }
