/** Addresses of sockets, as people write them. */
import { BlockList, isIPv6 } from 'node:net';

/** An IPv4 client of a dual-stack socket is an IPv4 client. Undefined (a socket that is gone) becomes ''. */
export function normaliseAddress(address: string | undefined): string {
  if (address === undefined) return '';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? address;
}

/** RFC 2428 section 2: 1 is IPv4, 2 is IPv6. */
export function protocolNumber(address: string): 1 | 2 {
  return isIPv6(address) ? 2 : 1;
}

/** Whatever the spelling; the zone of a link-local address (`%eth0`) is not part of what clients send. */
export function isSameAddress(a: string, b: string): boolean {
  const family = isIPv6(a) ? 'ipv6' : 'ipv4';
  if (isIPv6(b) !== isIPv6(a)) return false;
  const one = new BlockList();
  one.addAddress(withoutZone(a), family);
  return one.check(withoutZone(b), family);
}

/**
 * What one party has: an IPv4 address, or the /64 of an IPv6 address (RFC 6177: nobody gets less), in which a guesser
 * could take another address for every try. The same text for every spelling. Link-local and unique local addresses (fe80::/10,
 * fc00::/7) stand for themselves: a whole home has one such prefix, and one camera must not slow down all the others.
 */
export function addressGroup(address: string): string {
  const plain = normaliseAddress(withoutZone(address));
  if (!isIPv6(plain)) return plain;
  const [front = '', back] = plain.split('::');
  const [before, behind] = [words(front), words(back ?? '')];
  const zeros = new Array<string>(8 - before.length - behind.length).fill('0');
  const all = [...before, ...zeros, ...behind].map((word) => Number.parseInt(word, 16));
  const [first = 0] = all;
  const isOfTheHouse = (first & 0xffc0) === 0xfe80 || (first & 0xfe00) === 0xfc00;
  const text = (some: readonly number[]) => some.map((word) => word.toString(16)).join(':');
  return isOfTheHouse ? text(all) : `${text(all.slice(0, 4))}::/64`;
}

/** The 16-bit words; an IPv4 address at the end is two of them, beyond the prefix. */
function words(text: string): string[] {
  if (text === '') return [];
  return text.split(':').flatMap((word) => (word.includes('.') ? ['0', '0'] : [word]));
}

/** fe80::1 for fe80::1%eth0. */
export function withoutZone(address: string): string {
  return address.replace(/%.*$/, '');
}
