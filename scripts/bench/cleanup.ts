/** What must be undone whatever happens: last in, first out; also on Ctrl-C and when something throws. */

type Undo = () => void | Promise<void>;

export class Cleanup {
  readonly #undo: { readonly what: string; readonly undo: Undo }[] = [];
  #running: Promise<void> | null = null;

  /** Gives back a function that undoes it early. */
  add(what: string, undo: Undo): () => Promise<void> {
    const entry = { what, undo };
    this.#undo.push(entry);
    return async () => {
      const at = this.#undo.indexOf(entry);
      if (at < 0) return;
      this.#undo.splice(at, 1);
      await undo();
    };
  }

  /** Servers are being ended: what fails now fails for that. */
  get begun(): boolean {
    return this.#running !== null;
  }

  /** Undoes everything once; a failure is told and stops nothing. */
  async run(): Promise<void> {
    this.#running ??= this.#all();
    await this.#running;
  }

  async #all(): Promise<void> {
    for (let entry = this.#undo.pop(); entry !== undefined; entry = this.#undo.pop()) {
      try {
        await entry.undo();
      } catch (error) {
        console.error(`left over: ${entry.what} (${error instanceof Error ? error.message : String(error)})`);
      }
    }
  }
}

/** Ctrl-C, SIGTERM and a closed terminal: everything is undone, then it ends with 130. A second one ends it at once. */
export function cleanOnSignals(cleanup: Cleanup): void {
  let asked = false;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (asked) process.exit(130);
      asked = true;
      console.error('\ninterrupted: ending servers, removing namespaces and files');
      void cleanup.run().finally(() => process.exit(130));
    });
  }
}
