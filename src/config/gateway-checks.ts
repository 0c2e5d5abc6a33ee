/** Checks of settings that only the gateway has. */
import { isIP } from 'node:net';
import { type Check, endpoint, isHost, oneOf, Unfit } from './setting-checks.ts';
import type { Endpoint, Subnet } from './setting-values.ts';

/** Null for nothing. */
export function optional<T>(check: Check<T>): Check<T | null> {
  return (text) => (text === '' ? null : check(text));
}

export function endpointOrOff(text: string): Endpoint | null {
  return text === 'off' || text === '' ? null : endpoint(text);
}

export const nameEncoding: Check<'utf-8' | 'latin-1'> = oneOf('utf-8', 'latin-1');

/** PASV can name IPv4 addresses only (RFC 959); EPSV needs none. */
export function hostOrNone(text: string): string | null {
  if (text === '') return null;
  if (!isHost(text)) throw new Unfit('an IPv4 address or a host name');
  return text;
}

function words(text: string): string[] {
  return text
    .split(/[\s,]+/)
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** `192.168.0.0/16, fd00::/8, 10.0.0.7`. */
export function subnets(text: string): readonly Subnet[] {
  return words(text).map(subnet);
}

function subnet(word: string): Subnet {
  const [address = '', length, ...more] = word.split('/');
  const version = isIP(address);
  const most = version === 6 ? 128 : 32;
  const prefix = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (version === 0 || more.length > 0 || prefix < 0 || prefix > most) {
    throw new Unfit('networks such as 192.168.0.0/16 or fd00::/8, with commas between them');
  }
  return { address, prefix, family: version === 6 ? 'ipv6' : 'ipv4' };
}

/** `STOR, SITE CHMOD`: in upper case, one blank between two words. */
export function commandNames(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim().replace(/\s+/g, ' ').toUpperCase())
    .filter((name) => name !== '')
    .map((name) => {
      if (!/^[A-Z][A-Z0-9]{0,15}( [A-Z][A-Z0-9]{0,15})?$/.test(name)) {
        throw new Unfit('commands such as DELE,RMD,SITE CHMOD');
      }
      return name;
    });
}

const UNITS: { readonly [unit: string]: number } = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes; K, M, G, T (1024 each). */
export function byteCount(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,12})([KMGT]?)(?:i?B)?$/i.exec(text.trim()) ?? [];
  const value = Number(digits) * (UNITS[unit.toUpperCase()] ?? 1);
  if (digits === '' || !Number.isSafeInteger(value))
    throw new Unfit('a number of bytes such as 0, 500M or 20G');
  return value;
}
