/** The machine's clock, passed in where time is decided on, so that tests can move it. Milliseconds since 1970. */
export interface Clock {
  readonly now: () => number;
}

export const systemClock: Clock = { now: () => Date.now() };
