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

function withoutZone(address: string): string {
  return address.replace(/%.*$/, '');
}
