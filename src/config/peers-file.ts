/**
 * PEERS.txt: the other members, one a line: a host name, an IPv4 address, `[IPv6]` or a bare IPv6 address, with an
 * optional `:port` (a bare IPv6 address takes none). `#` begins a comment. Plain lists of addresses, as the first
 * Cloudroid had them, are such files. A line that is none of this is reported and the rest is used.
 */
import { isIP } from 'node:net';
import { isHost } from './setting-checks.ts';
import type { Endpoint } from './settings-api.ts';

export const DEFAULT_STORAGE_PORT = 6001;
/** A file of more lines is no list of boards; it is cut there and said so. */
const MAX_LINES = 10_000;
export const MAX_PEERS = 100;

export interface BadLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  readonly expected: string;
}
export interface PeersList {
  /** In the order of the file, each once. */
  readonly peers: readonly Endpoint[];
  readonly badLines: readonly BadLine[];
}

export const peerExpected = 'a host name, an IPv4 address or [IPv6], with an optional :port from 1 to 65535';

/** Null: not an address. IPv6 addresses come back in the short form that the system itself uses. */
export function parsePeer(text: string): Endpoint | null {
  if (isIP(text) === 6) return { host: canonicalIpv6(text), port: DEFAULT_STORAGE_PORT };
  const [, ipv6, host, portText] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = portText === undefined ? DEFAULT_STORAGE_PORT : Number(portText);
  if (port < 1 || port > 65_535) return null;
  if (ipv6 !== undefined) return isIP(ipv6) === 6 ? { host: canonicalIpv6(ipv6), port } : null;
  if (host === undefined || !isHost(host)) return null;
  return { host: host.toLowerCase().replace(/\.$/, ''), port };
}

/** `fe80::1%eth0` keeps its zone: a link-local address is reached through one interface only. */
function canonicalIpv6(text: string): string {
  const [address = text, zone] = text.split('%');
  const short = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  return zone === undefined ? short : `${short}%${zone}`;
}

export function parsePeersFile(text: string): PeersList {
  const peers = new Map<string, Endpoint>();
  const badLines: BadLine[] = [];
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  for (const [index, whole] of lines.entries()) {
    const entry = whole.replace(/#.*/, '').trim();
    if (entry === '') continue;
    const tooMany = index >= MAX_LINES || peers.size >= MAX_PEERS;
    const peer = tooMany ? null : parsePeer(entry);
    if (peer !== null) {
      peers.set(`${peer.host} ${peer.port}`, peer);
      continue;
    }
    const limit = `at most ${MAX_PEERS} members in ${MAX_LINES} lines`;
    badLines.push({ line: index + 1, text: entry.slice(0, 100), expected: tooMany ? limit : peerExpected });
    if (tooMany) break;
  }
  return { peers: [...peers.values()], badLines };
}
