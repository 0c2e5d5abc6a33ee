/** SITE verbs by which a member's own processes look after its replica (peers/protocol-upkeep.ts). */
import type {
  Adoption,
  DamageReport,
  Forgotten,
  Unknown,
  UpkeepChange,
  UpkeepState,
} from '../../peers/protocol-upkeep.ts';
import { WireError } from '../../peers/wire.ts';
import type { Store } from '../store-api.ts';
import { count, object, text, wrong } from './request-fields.ts';
import { type Handler, requireOwn } from './site-handler.ts';

const MAX_FORGOTTEN = 2000;

export const upkeepVerbs: { readonly [verb: string]: Handler } = {
  async FORGET(request, { store }, peer) {
    requireOwn(peer);
    const { forgotten } = request;
    if (!Array.isArray(forgotten) || forgotten.length > MAX_FORGOTTEN) throw wrong('forgotten');
    for (const { path, dot } of forgotten) {
      if (typeof path !== 'string' || !Array.isArray(dot)) throw wrong('forgotten');
    }
    return { ended: await store.upkeep.forget(forgotten as readonly Forgotten[]) };
  },
  async DAMAGED(request, { store }, peer) {
    requireOwn(peer);
    for (const field of ['path', 'sha256', 'ino', 'mtimeNs', 'why']) text(request, field);
    return { quarantined: await store.upkeep.damaged(request as unknown as DamageReport) };
  },
  async REPAIR(request, { store }, peer) {
    requireOwn(peer);
    return { repaired: await store.upkeep.repair(text(request, 'sha256')) };
  },
  async REMAKE(request, { store }, peer) {
    requireOwn(peer);
    await store.upkeep.remakeFolder(text(request, 'path'));
    return {};
  },
  async ADOPT(request, { store }, peer) {
    requireOwn(peer);
    for (const field of ['path', 'sha256', 'ino', 'mtimeNs']) text(request, field);
    if (!/^-?\d{1,20}$/.test(text(request, 'mtimeNs'))) throw wrong('mtimeNs');
    count(request, 'size');
    return { adopted: await store.upkeep.adopt(request as unknown as Adoption) };
  },
  SUSPECT(request, { store, board }, peer) {
    requireOwn(peer);
    if (store.upkeep.suspect(text(request, 'path'))) board.ask();
    return {};
  },
  SUSPECTS(_request, { store }, peer) {
    requireOwn(peer);
    return { paths: store.upkeep.takeSuspects() };
  },
  async DISCARD(request, { store }, peer) {
    requireOwn(peer);
    for (const field of ['path', 'ino', 'mtimeNs']) text(request, field);
    return { discarded: await store.upkeep.discard(request as unknown as Unknown) };
  },
  async UPKEEP(request, { store }, peer): Promise<UpkeepState> {
    requireOwn(peer);
    if (request['set'] !== undefined) {
      const { distrust, ...change } = checkChange(object(request, 'set'));
      await store.upkeep.setState(change);
      if (distrust === null) await store.disk.trustAgain();
    }
    return upkeepState(store);
  },
};

export function upkeepState({ upkeep, disk }: Store): UpkeepState {
  return { ...upkeep.state(), distrust: disk.distrust() };
}

function checkChange(set: { readonly [field: string]: unknown }): UpkeepChange {
  for (const [field, value] of Object.entries(set)) {
    const fits =
      field === 'scrubAfter' ? typeof value === 'string' : value === null || Number.isFinite(value);
    const known = [
      'walkedAt',
      'scrubbedAt',
      'scrubStartedAt',
      'scrubAfter',
      'scrubbedBytes',
      'distrust',
    ].includes(field);
    if (!fits || !known) throw new WireError(`the request's ${field} is malformed`);
  }
  return set as UpkeepChange;
}
