/** The addresses inside PORT, EPRT, PASV and EPSV (RFC 959 section 5.3.2, RFC 2428). */
import { isIP } from 'node:net';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `h1,h2,h3,h4,p1,p2`; null when it is not that. */
export function parsePort(argument: string): HostPort | null {
  const numbers = argument.trim().split(',');
  if (numbers.length !== 6 || !numbers.every((number) => /^\d{1,3}$/.test(number) && Number(number) <= 255))
    return null;
  const [a, b, c, d, high, low] = numbers.map(Number) as [number, number, number, number, number, number];
  return { host: `${a}.${b}.${c}.${d}`, port: high * 256 + low };
}

export type ExtendedPort =
  | { readonly kind: 'address'; readonly host: string; readonly port: number; readonly protocol: 1 | 2 }
  /** 522: a network protocol that we don't speak. */
  | { readonly kind: 'unknown-protocol' };

/** `|1|132.235.1.2|6275|`, any printable delimiter; null when it is not that. */
export function parseExtendedPort(argument: string): ExtendedPort | null {
  const text = argument.trim();
  const delimiter = text.charAt(0);
  if (delimiter < '!' || delimiter > '~') return null;
  const parts = text.split(delimiter);
  if (parts.length !== 5 || parts[0] !== '' || parts[4] !== '') return null;
  const [, protocol, host, port] = parts as [string, string, string, string, string];
  if (!/^\d{1,5}$/.test(protocol) || !/^\d{1,5}$/.test(port) || Number(port) > 65_535) return null;
  if (protocol !== '1' && protocol !== '2') return { kind: 'unknown-protocol' };
  if (isIP(host) !== (protocol === '1' ? 4 : 6)) return null;
  return { kind: 'address', host, port: Number(port), protocol: protocol === '1' ? 1 : 2 };
}

/** Text of the 227 reply. `host` is an IPv4 address. */
export function passiveText(host: string, port: number): string {
  return `Entering Passive Mode (${host.replaceAll('.', ',')},${port >> 8},${port & 255}).`;
}

/** Text of the 229 reply. */
export function extendedPassiveText(port: number): string {
  return `Entering Extended Passive Mode (|||${port}|)`;
}
