/** The present time in Unix milliseconds. Logic takes it as an argument or through this; only the edge has a real one. */
export type Clock = () => number
