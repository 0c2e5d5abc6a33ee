/**
 * One flush for all who ask while another is under way. Whoever asks is served by a flush that *begins* after the
 * question, so that what was written before it is covered.
 */
export class SharedFlush {
  readonly #action: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(action: () => Promise<void>) {
    this.#action = action;
  }

  flush(): Promise<void> {
    this.#next ??= this.#start(this.#running);
    return this.#next;
  }

  async #start(before: Promise<void> | undefined): Promise<void> {
    // After a failure no flush can tell what is durable: everybody who asks later gets the same answer.
    await before;
    this.#running = this.#next;
    this.#next = undefined;
    await this.#action();
  }
}
