/**
 * A wire between two members that a test can cut, slow down and break without being root: it listens on an address of its
 * own and passes bytes to the member behind it, same ports (storage port and the ports of its data connections).
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { resetConnection } from '../../src/ftp/reset-connection.ts';

/** What the wire does. `cut`: nothing answers, as when the cable is out. `refused`: the address answers with a reset. */
export type Wire = 'open' | 'cut' | 'refused';

export interface RelayOptions {
  readonly listen: string;
  readonly target: string;
  readonly ports: readonly number[];
}

const TICK_MS = 50;

export class Relay {
  readonly address: string;
  readonly #target: string;
  readonly #servers: Server[] = [];
  readonly #pairs = new Set<readonly [Socket, Socket | null]>();
  #wire: Wire = 'open';
  #bytesPerSecond = Number.POSITIVE_INFINITY;
  #budget = 0;
  #passed = 0;
  #breaking: { after: number; readonly how: 'fin' | 'rst'; readonly done: () => void } | null = null;
  #waiting: (() => void)[] = [];
  readonly #clock: NodeJS.Timeout;

  private constructor(options: RelayOptions) {
    this.address = options.listen;
    this.#target = options.target;
    this.#clock = setInterval(() => this.#tick(), TICK_MS);
  }

  static async open(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    for (const port of options.ports) {
      const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
        relay.#carry(socket, port),
      );
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, options.listen, resolve);
      });
      relay.#servers.push(server);
    }
    return relay;
  }

  /** Bytes that went through towards the member behind it. */
  get passed(): number {
    return this.#passed;
  }

  /** Both directions together; Infinity: as fast as it goes. */
  limit(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#budget = 0;
    if (bytesPerSecond === Number.POSITIVE_INFINITY) this.#wake();
  }

  /** Ends the connection that carries the so-and-so-many-th byte from now, in the middle of it; resolves when it did. */
  breakAfter(bytes: number, how: 'fin' | 'rst'): Promise<void> {
    return new Promise((done) => {
      this.#breaking = { after: bytes, how, done };
    });
  }

  /** `cut` leaves what is connected hanging in silence; `refused` resets it. Both hold for new connections too. */
  set(wire: Wire): void {
    this.#wire = wire;
    if (wire === 'refused') this.reset();
    if (wire === 'open') {
      // Who hung in the cut wire does not come back to life: its connections are gone, as after a long outage.
      this.reset();
      this.#wake();
    }
  }

  /** Breaks every connection with RST. */
  reset(): void {
    for (const [near, far] of this.#pairs) {
      resetConnection(near);
      if (far !== null) resetConnection(far);
    }
    this.#pairs.clear();
    this.#wake();
  }

  async close(): Promise<void> {
    clearInterval(this.#clock);
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    this.reset();
    await Promise.all(closed);
  }

  #tick(): void {
    if (this.#bytesPerSecond === Number.POSITIVE_INFINITY) return;
    const most = this.#bytesPerSecond / 4;
    this.#budget = Math.min(most, this.#budget + (this.#bytesPerSecond * TICK_MS) / 1000);
    if (this.#budget > 0) this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  #carry(near: Socket, port: number): void {
    near.on('error', () => undefined);
    if (this.#wire === 'refused') {
      resetConnection(near);
      return;
    }
    if (this.#wire === 'cut') {
      // Accepted by the kernel, but nobody will ever read or say anything.
      this.#track(near, null);
      return;
    }
    const far = dial({ host: this.#target, port, allowHalfOpen: true });
    this.#track(near, far);
    far.on('error', () => resetConnection(near));
    near.on('error', () => resetConnection(far));
    near.setNoDelay(true);
    far.setNoDelay(true);
    far.once('connect', () => {
      void this.#pump(near, far, true);
      void this.#pump(far, near, false);
    });
  }

  #track(near: Socket, far: Socket | null): void {
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    const forget = (): void => {
      if (near.destroyed && (far === null || far.destroyed)) this.#pairs.delete(pair);
    };
    near.once('close', forget);
    far?.once('close', forget);
  }

  /** Ends when the source ends; a source that breaks breaks the other side too. */
  async #pump(from: Socket, to: Socket, forward: boolean): Promise<void> {
    try {
      // The iterator by itself would destroy the socket at its end, with the other direction still open.
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length; ) {
          while (!to.destroyed && !this.#mayPass())
            await new Promise<void>((resolve) => this.#waiting.push(resolve));
          if (to.destroyed) return;
          const size = Math.max(1, Math.min(chunk.length - at, Math.floor(Math.min(this.#share(), 65_536))));
          const part = chunk.subarray(at, at + size);
          at += size;
          if (this.#bytesPerSecond !== Number.POSITIVE_INFINITY) this.#budget -= size;
          if (forward) this.#passed += size;
          if (this.#breaks(part, from, to)) return;
          if (!to.write(part)) await drained(to);
        }
      }
      to.end();
    } catch {
      resetConnection(to);
    }
  }

  /** True: this was the connection to break, and it is broken. */
  #breaks(part: Buffer, from: Socket, to: Socket): boolean {
    const breaking = this.#breaking;
    if (breaking === null) return false;
    breaking.after -= part.length;
    if (breaking.after >= 0) return false;
    this.#breaking = null;
    const before = part.subarray(0, part.length + breaking.after);
    if (breaking.how === 'fin') {
      to.end(before);
      from.end();
      // What still comes is swallowed: the one who sends must learn it from the FIN.
      from.resume();
    } else {
      to.write(before);
      resetConnection(to);
      resetConnection(from);
    }
    breaking.done();
    return true;
  }

  #share(): number {
    return this.#bytesPerSecond === Number.POSITIVE_INFINITY ? 65_536 : Math.max(1, this.#budget);
  }

  /** True also when the pair was reset meanwhile: its pump then finds the socket destroyed. */
  #mayPass(): boolean {
    return this.#wire !== 'cut' && (this.#bytesPerSecond === Number.POSITIVE_INFINITY || this.#budget > 0);
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
  });
}
