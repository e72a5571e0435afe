/** The name of a person's own approving key in their key store. */
export const APPROVER_KEY = 'approver'
