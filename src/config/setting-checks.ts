/** The checks behind settings: text in, value out; `Unfit` says what was expected. */
import { isIP } from 'node:net';
import { validate } from 'node-cron';
import type { AckMode, Endpoint, LogLevel, OutsideDeletions, PortRange } from './setting-values.ts';

/** The value is not what the setting takes; the message is what was expected. */
export class Unfit extends Error {
  override readonly name = 'Unfit';
}

export type Check<T> = (text: string) => T;

function portOf(text: string, expected: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new Unfit(expected);
  return port;
}

const hostName =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;

export function isHost(text: string): boolean {
  // All digits and dots but no IPv4 address is a mistyped address, never a name.
  return isIP(text) === 4 || (hostName.test(text) && !/^[\d.]+$/.test(text));
}

const endpointExpected = 'an address and a port from 1 to 65535, such as 0.0.0.0:6000 or [::1]:6000';

/** `address:port`, `[IPv6]:port`, or a port alone, which means every address. */
export function endpoint(text: string): Endpoint {
  if (/^\d+$/.test(text)) return { host: '0.0.0.0', port: portOf(text, endpointExpected) };
  const [, ipv6, host, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  if (ipv6 !== undefined && isIP(ipv6) !== 6) throw new Unfit(endpointExpected);
  if (host !== undefined && host !== '' && !isHost(host)) throw new Unfit(endpointExpected);
  const chosen = ipv6 ?? host;
  if (chosen === undefined) throw new Unfit(endpointExpected);
  return { host: chosen === '' ? '0.0.0.0' : chosen, port: portOf(port ?? '', endpointExpected) };
}

/** The kernel lends these to outgoing connections; a passive port among them would now and then be taken. */
const ephemeral: PortRange = { from: 32_768, to: 60_999 };

export function portRange(text: string): PortRange {
  const expected = `two ports with a dash, such as 30000-30099, both from 1024 to 65535 and outside ${ephemeral.from}-${ephemeral.to} (the ports the system itself gives to outgoing connections)`;
  const [, from, to] = /^(\d+)-(\d+)$/.exec(text.replaceAll(' ', '')) ?? [];
  const range = { from: portOf(from ?? '', expected), to: portOf(to ?? '', expected) };
  const inside = range.from <= ephemeral.to && range.to >= ephemeral.from;
  if (range.from > range.to || range.from < 1024 || inside) throw new Unfit(expected);
  return range;
}

export function wholeNumber(least: number, most: number): Check<number> {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (value < least || value > most) throw new Unfit(`a whole number from ${least} to ${most}`);
    return value;
  };
}

export function oneOf<T extends string>(...values: readonly T[]): Check<T> {
  return (text) => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw new Unfit(`one of ${values.join(', ')}`);
    return found;
  };
}

export const ackMode: Check<AckMode> = oneOf('reachable', 'local', 'two', 'quorum', 'all');
export const outsideDeletions: Check<OutsideDeletions> = oneOf('restore', 'propagate');
export const logLevel: Check<LogLevel> = oneOf('error', 'warn', 'info', 'debug');

export function yesOrNo(text: string): boolean {
  if (['true', 'yes', 'on', '1'].includes(text.toLowerCase())) return true;
  if (['false', 'no', 'off', '0'].includes(text.toLowerCase())) return false;
  throw new Unfit('yes or no');
}

export function path(text: string): string {
  if (text === '' || text.includes('\0')) throw new Unfit('a path');
  return text;
}

/** Shown to people and part of the member's id: anything printable that fits on a line. */
export function memberName(text: string): string {
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,39}$/u.test(text)) {
    throw new Unfit('1 to 40 letters, digits, blanks, dots, dashes or underscores, a letter or digit first');
  }
  return text;
}

/** Five fields (or six, seconds first), as node-cron reads them. */
export function cronExpression(text: string): string {
  if (![5, 6].includes(text.trim().split(/\s+/).length) || !validate(text)) {
    throw new Unfit('a cron expression of five fields such as "*/10 * * * *"');
  }
  return text;
}
