import { AppError } from '#core/errors.ts'

/** The database may be away for a moment; a few tries are worth the text of an answer. */
export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === 5 || error instanceof AppError) throw error
      await new Promise(resolve => setTimeout(resolve, 2 ** tries * 50))
    }
  }
}
