/**
 * The passive ports of a gateway, shared by its sessions. A port is taken only from PASV to the client's connection, so who
 * finds none free waits a little; ten ports serve hundreds of sessions. Who holds fewest is served first, and an address
 * that hoards ports loses its oldest one to an address that holds fewer: exhausting the range stops nobody else.
 *
 * Invariant: while somebody waits, one `#serve` runs, and nobody is served past it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { addressGroup } from '../../ftp/address.ts';
import { NoPortFree, PassiveListener, type PassiveOptions } from '../../ftp/data-connection.ts';

/** Another program may hold a port, and gives no word when it lets go. */
const POLL_MS = 20;
/** So many listeners are remembered beyond twice those that were idle at the last look. */
const REMEMBERED = 16;

interface Waiter {
  readonly options: PassiveOptions;
  /** On the monotonic clock. */
  readonly until: number;
  readonly take: (listener: PassiveListener) => void;
  readonly fail: (error: unknown) => void;
}

export class PassivePorts {
  readonly #waitMs: number;
  /** Oldest first; some are over. */
  readonly #opened = new Map<PassiveListener, string>();
  readonly #waiting: Waiter[] = [];
  #lookAt = REMEMBERED;

  /** `waitMs`: for a free port, then 425. */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** @throws NoDataConnection */
  async open(options: PassiveOptions): Promise<PassiveListener> {
    if (this.#waiting.length === 0) {
      try {
        return this.#remember(await PassiveListener.open(options), options);
      } catch (error) {
        if (!(error instanceof NoPortFree)) throw error;
      }
    }
    return await new Promise((take, fail) => {
      this.#waiting.push({ options, until: performance.now() + this.#waitMs, take, fail });
      if (this.#waiting.length === 1) void this.#serve();
    });
  }

  /** Never rejects. */
  async #serve(): Promise<void> {
    for (let next = this.#next(); next !== null; next = this.#next()) {
      this.#makeRoomFor(addressGroup(next.options.clientAddress));
      try {
        next.take(this.#remember(await PassiveListener.open(next.options), next.options));
      } catch (error) {
        if (error instanceof NoPortFree) {
          this.#sendAway(error);
          if (this.#waiting.length > 0) await delay(POLL_MS);
          continue;
        }
        next.fail(error);
      }
      const place = this.#waiting.indexOf(next);
      if (place >= 0) this.#waiting.splice(place, 1);
    }
  }

  /** Whose time is up, also those who are not next and may never be. */
  #sendAway(error: NoPortFree): void {
    const now = performance.now();
    for (const waiter of this.#waiting.filter(({ until }) => until <= now)) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.fail(error);
    }
  }

  /** Of an address that holds as few as any; of those the first that came. */
  #next(): Waiter | null {
    const held = this.#held();
    let best: Waiter | null = null;
    for (const waiter of this.#waiting) {
      if (best === null || of(held, waiter) < of(held, best)) best = waiter;
    }
    return best;
  }

  /** `address`: as addressGroup has it. */
  #makeRoomFor(address: string): void {
    const held = this.#held();
    const own = held.get(address) ?? 0;
    const [greedy, most] = [...held].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
    if (most <= own + 1) return;
    for (const [listener, holder] of this.#opened) {
      if (holder !== greedy || !listener.isIdle) continue;
      listener.close();
      return;
    }
  }

  /** Listeners without a connection, by address. */
  #held(): Map<string, number> {
    const held = new Map<string, number>();
    for (const [listener, address] of this.#opened) {
      if (listener.isIdle) held.set(address, (held.get(address) ?? 0) + 1);
      else this.#opened.delete(listener);
    }
    return held;
  }

  #remember(listener: PassiveListener, { clientAddress }: PassiveOptions): PassiveListener {
    this.#opened.set(listener, addressGroup(clientAddress));
    if (this.#opened.size > this.#lookAt) {
      this.#held();
      this.#lookAt = 2 * this.#opened.size + REMEMBERED;
    }
    return listener;
  }
}

function of(held: ReadonlyMap<string, number>, { options }: Waiter): number {
  return held.get(addressGroup(options.clientAddress)) ?? 0;
}
