/**
 * Edits PEERS.txt as a careful person would: one line in, or one line out; comments, order, line ends and whatever else
 * is in the file stay. The file is replaced as a whole, so that a running member never reads half a list.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { systemCodeOf } from '../system/exit-status.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import { MAX_PEERS, parsePeer, parsePeersFile, peerExpected } from './peers-file.ts';
import type { Endpoint } from './settings-api.ts';

/** The message says why, for a person. */
export class PeersEditRefused extends Error {
  override readonly name = 'PeersEditRefused';
}

interface Line {
  /** With its line end. */
  readonly whole: string;
  /** Without comment and spaces. */
  readonly entry: string;
  readonly peer: Endpoint | null;
}

function linesOf(text: string): Line[] {
  const pieces = text.match(/[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$/g) ?? [];
  return pieces.map((whole) => {
    const entry = whole
      .replace(/^\uFEFF/, '')
      .replace(/#.*/, '')
      .trim();
    return { whole, entry, peer: entry === '' ? null : parsePeer(entry) };
  });
}

function same(a: Endpoint | null, b: Endpoint): boolean {
  return a !== null && a.host === b.host && a.port === b.port;
}

/** The text with one more line at its end. Throws PeersEditRefused. */
export function withPeer(text: string, address: string): string {
  const wanted = address.trim();
  const peer = parsePeer(wanted);
  if (peer === null)
    throw new PeersEditRefused(`${JSON.stringify(address)} is no address: expected ${peerExpected}`);
  const lines = linesOf(text);
  const there = lines.findIndex((line) => same(line.peer, peer));
  if (there >= 0)
    throw new PeersEditRefused(`${formatEndpoint(peer)} is there already, in line ${there + 1}`);
  if (parsePeersFile(text).peers.length >= MAX_PEERS) {
    throw new PeersEditRefused(`there are ${MAX_PEERS} members already, and more are not possible`);
  }
  const end = /\r\n|\n|\r/.exec(text)?.[0] ?? '\n';
  const separator = text === '' || /[\r\n]$/.test(text) ? '' : end;
  return `${text}${separator}${wanted}${end}`;
}

/** The text without the lines of that address; a line that is no address can be taken out by its very text. Throws PeersEditRefused. */
export function withoutPeer(text: string, address: string): string {
  const wanted = address.trim();
  const peer = parsePeer(wanted);
  const lines = linesOf(text);
  const kept = lines.filter(
    (line) => line.entry === '' || (line.entry !== wanted && (peer === null || !same(line.peer, peer))),
  );
  if (kept.length === lines.length) {
    const listed = parsePeersFile(text).peers.map(formatEndpoint);
    const hint = listed.length === 0 ? 'it lists nobody' : `it lists ${listed.join(', ')}`;
    throw new PeersEditRefused(`${JSON.stringify(address)} is not in the list (${hint})`);
  }
  const mark = text.startsWith('\uFEFF') && lines[0] !== kept[0] ? '\uFEFF' : '';
  return mark + kept.map(({ whole }) => whole).join('');
}

/** Reads the file ('' when there is none), edits its text, and puts the new one in its place, durably. */
export function editPeersFile(file: string, edit: (text: string) => string): void {
  let target = file;
  let text = '';
  let mode = 0o644;
  try {
    target = realpathSync(file); // a link stays a link
    text = readFileSync(target, 'utf8');
    mode = statSync(target).mode & 0o777;
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
  const next = edit(text);
  const proposal = `${target}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = openSync(proposal, 'wx', mode);
    try {
      writeSync(handle, next);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(proposal, target);
  } finally {
    rmSync(proposal, { force: true });
  }
  const folder = openSync(dirname(target), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
