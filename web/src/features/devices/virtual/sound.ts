/** What goes up, as the greeting says: Opus of 60 ms. */
export const uplink = { rate: 48_000, samples: 2880, packet_ms: 60 } as const
/** What comes down. */
export const downlink = { rate: 24_000, packet_ms: 60 } as const
/** Bits a second. */
export const bitrate = 24_000
