type Letter = { id: string; to: string; subject: string; text: string; html: string | null }

/** Why a mail was not taken: an SMTP reply code or the name of a network error, never an address. */
export type DeliveryFailure = { reason: string; is_permanent: boolean }

export type Smtp = {
  /** Null when the server took the mail. */
  deliver(letter: Letter): Promise<DeliveryFailure | null>
}

/**
 * Delivers by SMTP. `smtps:` speaks TLS from the start; `smtp:` upgrades where the server offers it, and refuses to go
 * on without where it would send a password over a network.
 */
export function createSmtp(address: string, from: string): Smtp {
  const { username, hostname } = new URL(address)
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  const options = {
    url: address,
    requireTLS: username !== '' && !isLoopback && address.startsWith('smtp:'),
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    dnsTimeout: 10_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  }
  // Loaded only where it is used: it takes a tenth of a second of the start.
  const transport = import('nodemailer').then(({ createTransport }) => createTransport(options))
  const domain = /@([\w.-]+)/.exec(from)?.[1] ?? 'banyan.invalid'
  return {
    async deliver({ id, to, subject, text, html }) {
      try {
        await (await transport).sendMail({
          from,
          // An object, because a text could name several recipients.
          to: { name: '', address: to },
          subject,
          text,
          ...(html === null ? {} : { html }),
          // The same on every attempt, so that the recipient's server can tell a mail that comes twice.
          messageId: `<${id}@${domain}>`,
        })
        return null
      } catch (error) {
        return failureOf(error)
      }
    },
  }
}

function failureOf(error: unknown): DeliveryFailure {
  const { code, responseCode } = (error ?? {}) as { code?: unknown; responseCode?: unknown }
  // 5xx is final (RFC 5321 §4.2.1), but a refused sign-in is about our settings, which somebody may correct.
  if (typeof responseCode === 'number') {
    return { reason: `smtp.${responseCode}`, is_permanent: responseCode >= 500 && code !== 'EAUTH' }
  }
  return { reason: typeof code === 'string' ? code.toLowerCase() : 'unknown', is_permanent: false }
}
