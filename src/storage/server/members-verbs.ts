/** SITE verbs of peers/protocol-members.ts, and who is served at all. */

import { checkVector } from '../record-check.ts';
import { type Fields, object, text, wrong } from './request-fields.ts';
import { PeerRefused } from './server-answer.ts';
import { type Handler, requireOwn, type SitePeer, type SiteServices } from './site-handler.ts';

/** Before anything else that a peer asks for. @throws PeerRefused */
export async function admit({ store }: SiteServices, { member, own }: SitePeer): Promise<void> {
  if (own) return;
  if (store.members.isRetired(member)) {
    throw new PeerRefused(
      `${member} was retired from this network for ever: give it a new identity to use that board again (move its data folder away, all but the network key, and start it)`,
      'retired',
    );
  }
  await store.members.meet(member);
}

export const membersVerbs: { readonly [verb: string]: Handler } = {
  async MEMBERS(request, { store }, peer) {
    requireOwn(peer);
    const joined = request['joined'] === true;
    return await store.members.join({ met: ids(request, 'met'), retired: ids(request, 'retired'), joined });
  },
  async RETIRE(request, { store, board, logger }, peer) {
    requireOwn(peer);
    const member = text(request, 'member');
    const lists = await store.members.retire(member);
    logger.warn('a member was retired', { member });
    board.ask();
    return lists;
  },
  async COLLECT(request, { store }, peer) {
    requireOwn(peer);
    const knowledge = checkVector(object(request, 'knowledge'));
    return await store.members.collect({ members: ids(request, 'members'), knowledge });
  },
};

function ids(request: Fields, field: string): string[] {
  const value = request[field];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) throw wrong(field);
  return value;
}
