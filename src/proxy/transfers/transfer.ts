/** A transfer under way: what STAT tells of it and what ABOR gives up. */

export class TransferAborted extends Error {
  override readonly name = 'TransferAborted';
}

export type TransferKind = 'upload' | 'download' | 'listing';

export class Transfer {
  readonly kind: TransferKind;
  readonly command: string;
  readonly path: string;
  readonly startedAt: number;
  bytes = 0;
  /** Since when nothing has come from a client that is expected to send; null: something else is waited for. */
  waitingSince: number | null = null;
  #stage: 'moving' | 'committing' = 'moving';
  readonly #controller = new AbortController();
  readonly #over = new AbortController();

  constructor(kind: TransferKind, command: string, path: string) {
    this.kind = kind;
    this.command = command;
    this.path = path;
    this.startedAt = performance.now();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Fires when it was aborted or has ended: whatever was opened for it is of no use any more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  end(): void {
    this.#over.abort();
  }

  /** From here on it is too late to abort: the members may have stored it. @throws the reason when it was aborted. */
  beginCommit(): void {
    this.signal.throwIfAborted();
    this.#stage = 'committing';
  }

  /** False once the commit has begun: then it runs to its end. */
  abort(why: string): boolean {
    if (this.#stage === 'committing') return false;
    const reason = new TransferAborted(why);
    this.#controller.abort(reason);
    this.#over.abort(reason);
    return true;
  }

  /** Milliseconds for which the client has sent nothing. */
  get silentMs(): number {
    return this.waitingSince === null ? 0 : performance.now() - this.waitingSince;
  }

  get seconds(): number {
    return Math.round(performance.now() - this.startedAt) / 1000;
  }

  describe(): string {
    const doing = this.#stage === 'moving' ? 'bytes so far' : 'bytes are here and are being stored';
    return `${this.command} ${this.path}: ${this.bytes} ${doing}.`;
  }
}
