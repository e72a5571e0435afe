/** Sizes and ages that both ends hold to. Bytes, milliseconds and counts as named. */
export const LIMITS = {
  /** An MQTT packet before the client is authenticated. */
  connectBytes: 4 * 1024,
  /** Any MQTT packet of a device. */
  packetBytes: 256 * 1024,
  reportBytes: 64 * 1024,
  jsonBytes: 64 * 1024,
  factsBytes: 192 * 1024,
  layoutBytes: 192 * 1024,
  outputChunkBytes: 16 * 1024,
  /** Pieces of live output in one message, which together hold one chunk. */
  outputPieces: 64,
  seriesPerLayout: 2048,
  layoutsPerDevice: 32,
  labelsPerSeries: 8,
  labelBytes: 200,
  /** A report may be this far ahead of the server's clock. */
  futureMs: 5 * 60_000,
  /** What an agent keeps, and what the server still accepts: 720 hours. */
  reportAgeMs: 720 * 3_600_000,
  outboxBytes: 64 * 1024 * 1024,
  jobOutputBytes: 256 * 1024,
  /** Devices that a script with few approvers may name. */
  narrowDevices: 10,
  revokedScripts: 1000,
  /** Payload of one frame of a remote session. */
  remoteFrameBytes: 32 * 1024,
  /** Remote sessions at once on one device. */
  remoteSessions: 8,
  filesPerFolder: 5000,
  fileBytes: 4 * 1024 * 1024 * 1024,
  /** Transcripts that the server keeps of one job. */
  transcriptBytes: 1024 * 1024,
  secretBytes: 4096,
} as const
