/**
 * How fast a client is, in the time that is its own: what a slow member or disk takes is not counted. Bytes that come in a
 * trickle would hold a session, a port and a staged file for ever, and no stall ends them.
 */

export interface Slowest {
  /** 0: any pace is fine. */
  readonly bytesPerSecond: number;
  /** How much of the client's time one measurement takes. */
  readonly windowMs: number;
}

/** Looks in a window. */
const LOOKS = 60;

export class DataPace {
  readonly #slowest: Slowest;
  #last: { readonly at: number; readonly clientsTurn: boolean; readonly bytes: number } | null = null;
  #clientMs = 0;
  #moved = 0;

  constructor(slowest: Slowest) {
    this.#slowest = slowest;
  }

  /**
   * True: too slow. `at` in milliseconds, monotonic. Time counts when it was the client's turn at both of its ends, and
   * never more than twice what should lie between two looks: a gateway that stood still is not the client's fault.
   * Bytes count whenever they move; a counter that goes back counts as standing still.
   */
  look(at: number, clientsTurn: boolean, bytes: number): boolean {
    const last = this.#last;
    this.#last = { at, clientsTurn, bytes };
    if (last === null) return false;
    const { bytesPerSecond, windowMs } = this.#slowest;
    this.#moved += Math.max(0, bytes - last.bytes);
    if (last.clientsTurn && clientsTurn) this.#clientMs += Math.min(at - last.at, (2 * windowMs) / LOOKS);
    if (this.#clientMs < windowMs) return false;
    const isTooSlow = this.#moved < (bytesPerSecond * windowMs) / 1000;
    this.#clientMs = 0;
    this.#moved = 0;
    return isTooSlow;
  }
}

export interface Moving {
  /** Nothing but the client is waited for. */
  clientsTurn(): boolean;
  bytes(): number;
}

/** Looks regularly, and tells once. The function returned ends it. */
export function watchPace(slowest: Slowest, moving: Moving, onTooSlow: () => void): () => void {
  if (slowest.bytesPerSecond === 0) return () => undefined;
  const pace = new DataPace(slowest);
  const stop = () => clearInterval(timer);
  const look = () => {
    if (!pace.look(performance.now(), moving.clientsTurn(), moving.bytes())) return;
    stop();
    onTooSlow();
  };
  const timer = setInterval(look, slowest.windowMs / LOOKS);
  return stop;
}
