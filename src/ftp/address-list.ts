/** Networks, and who belongs to them. An IPv4 client is one whichever way it is written, in the list or by the socket. */
import { BlockList, isIP } from 'node:net';
import type { Subnet } from '../config/setting-values.ts';
import { normaliseAddress, withoutZone } from './address.ts';

/** ::ffff:0:0/96 and longer prefixes are IPv4; a shorter one, such as ::/0, is about IPv6 clients only. */
const MAPPED_PREFIX = 96;

export class AddressList {
  readonly size: number;
  readonly #ipv4 = new BlockList();
  readonly #ipv6 = new BlockList();

  constructor(subnets: readonly Subnet[]) {
    this.size = subnets.length;
    for (const { address, prefix, family } of subnets) {
      if (family === 'ipv6') this.#ipv6.addSubnet(address, prefix, family);
      if (family === 'ipv4' || prefix >= MAPPED_PREFIX) this.#ipv4.addSubnet(address, prefix, family);
    }
  }

  /** False for what is no address. */
  has(address: string): boolean {
    const plain = normaliseAddress(withoutZone(address));
    switch (isIP(plain)) {
      case 4:
        return this.#ipv4.check(plain, 'ipv4');
      case 6:
        return this.#ipv6.check(plain, 'ipv6');
      default:
        return false;
    }
  }
}
