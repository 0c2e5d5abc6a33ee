/**
 * The network key comes from cloudroid.txt of a PC and goes to a PC for the next board. It is never put over another one
 * without being told so: a board with another key is no longer a member of the network it was in.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, chownSync } from 'node:fs';
import { type Places, paths } from './places.ts';
import { removeFile, replaceFile } from './replace-file.ts';

const HEADING =
  '# The network key of Cloudroid. Every member of the network needs the same one; keep it secret.';
const SHOWN = 'network-key.txt';

/** The line with the key; null: no file yet. */
function keyLine(places: Places): string | null {
  const text = places.read(paths.networkKey);
  if (text === null) return null;
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return lines.map((line) => line.trim().split(/\s+/).join(' ')).join('\n');
}

function write(places: Places, key: string): void {
  const traits = { mode: 0o600, owner: places.serviceUser() };
  replaceFile(places.at(paths.networkKey), `${HEADING}\n${key}\n`, traits);
}

/** False: there is another one, and `replace` was not said. Durable when it returns. */
export function takeNetworkKey(places: Places, key: string, replace: boolean): boolean {
  const before = keyLine(places);
  if (before === key) {
    const owner = places.serviceUser();
    if (owner !== null) chownSync(places.at(paths.networkKey), owner.uid, owner.gid);
    chmodSync(places.at(paths.networkKey), 0o600);
    return true;
  }
  if (before !== null) {
    if (!replace) return false;
    // Whoever mistook the boards finds the old one here.
    const print = createHash('sha256').update(before).digest('hex').slice(0, 8);
    replaceFile(places.at(`${paths.own}/network.key.${print}`), `${before}\n`, { mode: 0o600 });
  }
  write(places, key);
  return true;
}

/** For the card of the next board: network-key.txt on the FAT partition. Makes a key when there is none yet. */
export function showNetworkKey(places: Places): void {
  if (keyLine(places) === null) {
    write(places, `cloudroid-network-key-1 ${randomBytes(32).toString('base64url')}`);
  }
  const lines = [
    '# The network key of this board. Copy the next line into cloudroid.txt of every other board of yours, then remove this',
    '# file; the board removes it when it starts the next time. Whoever has this line can read and change everything.',
    `network-key = ${keyLine(places)}`,
  ];
  replaceFile(places.inBoot(SHOWN), `${lines.join('\r\n')}\r\n`, { mode: null });
}

export function hideNetworkKey(places: Places): void {
  removeFile(places.inBoot(SHOWN));
}
