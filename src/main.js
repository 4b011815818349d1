import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

/*
 * Compiling the sources and their packages is most of what a start does; later starts find it done. The cache lies
 * inside the project, since code must not come from a directory that others may write to. Only what is imported
 * after this line is cached; this file is plain JavaScript so that a start need not load the TypeScript stripper for it.
 */
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/banyan', import.meta.url)))
await import('./cli.ts')
