/** The session that a request names, which need not be true: only to say to which session a word belongs. */
export function claimedSession(payload: string): string | undefined {
  const text = Buffer.from(payload, 'base64').toString('utf8')
  const session = /"session":"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"/.exec(text)
  return session?.[1]?.toLowerCase()
}
