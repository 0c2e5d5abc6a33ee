/** Who may come, and how many at once, in all and from one address (addressGroup: from one /64 of IPv6). */
import type { LimitSettings } from '../../config/limit-settings.ts';
import { addressGroup } from '../../ftp/address.ts';
import { AddressList } from '../../ftp/address-list.ts';

export type EntryLimits = Pick<
  LimitSettings,
  'maxSessions' | 'maxSessionsPerAddress' | 'allowAddresses' | 'denyAddresses'
>;

export class SessionLimits {
  readonly #limits: EntryLimits;
  readonly #allowed: AddressList;
  readonly #denied: AddressList;
  readonly #perGroup = new Map<string, number>();
  #count = 0;

  constructor(limits: EntryLimits) {
    this.#limits = limits;
    this.#allowed = new AddressList(limits.allowAddresses);
    this.#denied = new AddressList(limits.denyAddresses);
  }

  /**
   * Why not, or null when the session was counted: then `leave` must follow once. `makePlace` may end another session
   * when there are too many; it has left when that answers true.
   */
  enter(address: string, makePlace: () => boolean = () => false): string | null {
    if (!this.#isWelcome(address)) return 'Your address is not allowed here.';
    const group = addressGroup(address);
    const here = this.#perGroup.get(group) ?? 0;
    if (here >= this.#limits.maxSessionsPerAddress) return 'Too many connections from your address.';
    if (this.#count >= this.#limits.maxSessions && !makePlace()) return 'Too many clients; try again later.';
    this.#count += 1;
    // Not `here`: who made place may have been of the same group.
    this.#perGroup.set(group, (this.#perGroup.get(group) ?? 0) + 1);
    return null;
  }

  leave(address: string): void {
    this.#count -= 1;
    const group = addressGroup(address);
    const left = (this.#perGroup.get(group) ?? 1) - 1;
    if (left === 0) this.#perGroup.delete(group);
    else this.#perGroup.set(group, left);
  }

  get count(): number {
    return this.#count;
  }

  /** On both lists: denied. */
  #isWelcome(address: string): boolean {
    if (this.#denied.has(address)) return false;
    return this.#allowed.size === 0 || this.#allowed.has(address);
  }
}
