/** How many clients at once, in all and from one address. */

export class SessionLimits {
  readonly #most: number;
  readonly #mostPerAddress: number;
  readonly #perAddress = new Map<string, number>();
  #count = 0;

  constructor(most: number, mostPerAddress: number) {
    this.#most = most;
    this.#mostPerAddress = mostPerAddress;
  }

  /** Why not, or null when the session was counted: then `leave` must follow once. */
  enter(address: string): string | null {
    if (this.#count >= this.#most) return 'Too many clients; try again later.';
    const here = this.#perAddress.get(address) ?? 0;
    if (here >= this.#mostPerAddress) return 'Too many connections from your address.';
    this.#count += 1;
    this.#perAddress.set(address, here + 1);
    return null;
  }

  leave(address: string): void {
    this.#count -= 1;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }

  get count(): number {
    return this.#count;
  }
}
