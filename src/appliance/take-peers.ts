/**
 * The list of cloudroid.txt as changes of PEERS.txt: who was added there is added here, who was taken out there is taken
 * out here; whoever was added in another way (`cloudroid peers add`, an editor) stays.
 */

import { PeersEditRefused, withoutPeer, withPeer } from '../config/peers-edit.ts';
import { parsePeersFile } from '../config/peers-file.ts';
import { type Places, paths } from './places.ts';
import { replaceFile } from './replace-file.ts';

function listed(text: string): ReadonlySet<string> {
  return new Set(parsePeersFile(text).peers.map(({ host, port }) => `${host} ${port}`));
}

function words(list: string): readonly string[] {
  return list.split(' ').filter((word) => word !== '');
}

/** `before`: the list that was taken over last. Both with spaces between. Throws PeersEditRefused when there are too many. */
export function takePeers(places: Places, wanted: string, before: string): void {
  const text = places.read(paths.peers) ?? '';
  const wantedPeers = listed(words(wanted).join('\n'));
  let next = text;
  for (const word of words(before)) {
    if ([...listed(word)].some((peer) => wantedPeers.has(peer))) continue;
    try {
      next = withoutPeer(next, word);
    } catch (error) {
      // Somebody else took it out already.
      if (!(error instanceof PeersEditRefused)) throw error;
    }
  }
  for (const word of words(wanted)) {
    const there = listed(next);
    if (![...listed(word)].every((peer) => there.has(peer))) next = withPeer(next, word);
  }
  if (next === text && places.has(paths.peers)) return;
  replaceFile(places.at(paths.peers), next, { mode: 0o644, owner: places.serviceUser() });
}
