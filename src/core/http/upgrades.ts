import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Log } from '#core/log.ts'

/** A WebSocket door: whoever asks to upgrade at its path. */
export type UpgradeDoor = {
  /** Without a slash at the end; one is tolerated. */
  path: string
  /** Takes the socket over. A rejection is logged, and destroys it. */
  open(request: IncomingMessage, socket: Duplex, head: Buffer, url: URL): Promise<void>
  /** Ends what came in by this door: the server cannot close before. */
  stop?(): Promise<void>
}

/** Sends upgrades to the doors by their path, and answers 404 for others. Returns the way to take them all off. */
export function attachUpgrades(server: Server, doors: readonly UpgradeDoor[], log: Log): () => void {
  const listener = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const address = request.url ?? ''
    const url = URL.canParse(address, 'http://host') ? new URL(address, 'http://host') : null
    const door = url && doors.find(({ path }) => path === url.pathname.replace(/\/$/, ''))
    if (!door) {
      socket.on('error', () => socket.destroy())
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
      return
    }
    door.open(request, socket, head, url).catch(error => {
      log.error({ error }, 'a connection could not be opened')
      socket.destroy()
    })
  }
  server.on('upgrade', listener)
  return () => void server.off('upgrade', listener)
}
