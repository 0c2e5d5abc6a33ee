/**
 * Names in staging that are promised: bytes proven and flushed for a request under way, or a committed change that has
 * still to rename them into place. Nobody may write to them, or remove them, meanwhile. Counted: two requests may rest on
 * one pulled content.
 */
export class ClaimedNames {
  readonly #claims = new Map<string, number>();

  has(name: string): boolean {
    return this.#claims.has(name);
  }

  claim(name: string): void {
    this.#claims.set(name, (this.#claims.get(name) ?? 0) + 1);
  }

  release(name: string): void {
    const left = (this.#claims.get(name) ?? 0) - 1;
    if (left > 0) this.#claims.set(name, left);
    else this.#claims.delete(name);
  }
}
