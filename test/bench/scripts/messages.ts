/** What the process of simulated devices is told when it starts. */
export type Setup = {
  url: string
  folder: string
  tokens: string[]
  /** Between two reports of one device. */
  reportEveryMs: number
}

/** What it says: every device is connected, or it went wrong. */
export type FromDevices = { type: 'ready'; devices: string[] } | { type: 'failed'; message: string }
