/** `SITE <VERB> <base64url(JSON)>`: requests checked, handed to the store, answered with one line of JSON. */
import {
  type CommitRequest,
  type Entry,
  type Hello,
  type HelloRequest,
  type MergeRequest,
  PROTOCOL_VERSION,
  type RecordReply,
  type StageReply,
} from '../../peers/protocol.ts';
import type { ProxyReport, StatusReply, SweepCounter, SweepReport } from '../../peers/protocol-reports.ts';
import { WireError } from '../../peers/wire.ts';
import { accountsVerbs } from './accounts-verbs.ts';
import { atticVerbs } from './attic-verbs.ts';
import { chainOf, chainVerbs, membersOf } from './chain-verbs.ts';
import { diskVerbs } from './disk-verbs.ts';
import { membersVerbs } from './members-verbs.ts';
import { partVerbs } from './part-verbs.ts';
import { count, type Fields, object, text, wrong } from './request-fields.ts';
import type { Handler, SitePeer, SiteServices } from './site-handler.ts';
import { upkeepState, upkeepVerbs } from './upkeep-verbs.ts';

const MAX_WAIT_SECONDS = 60;

const verbs: { readonly [verb: string]: Handler } = {
  HELLO: sayHello,
  ...accountsVerbs,
  ...atticVerbs,
  ...membersVerbs,
  ...partVerbs,
  ...chainVerbs,
  RECORD(request, { store }, { own }): RecordReply {
    const path = text(request, 'path');
    const { entry, record, disk } = store.record(path);
    return {
      entry,
      record,
      ...(own && request['local'] === true && disk !== undefined && { disk }),
      ...(request['folder'] === true && { folder: folderOf(path, store) }),
    };
  },
  async STAGE(request, { store, chains }, { own, member }): Promise<StageReply> {
    const prefix = request['prefix'] === undefined ? undefined : object(request, 'prefix');
    const wanted = {
      id: text(request, 'id'),
      ...(prefix && { prefix: { sha256: text(prefix, 'sha256'), length: count(prefix, 'length') } }),
    };
    if (request['chain'] !== undefined) await chains.stage(wanted.id, chainOf(request), member);
    const { size, diskPath, room } = await store.stage(wanted, own ? 'own process' : 'peer');
    return own ? { size, path: diskPath, room } : { size };
  },
  async COMMIT(request, { store }) {
    text(request, 'id');
    text(object(request, 'operation'), 'op');
    return await store.commit(request as unknown as CommitRequest);
  },
  async MERGE(request, { store }) {
    text(request, 'mode');
    if (request['records'] !== undefined && !Array.isArray(request['records'])) throw wrong('records');
    if (request['content'] !== undefined) object(request, 'content');
    if (request['exchange'] !== undefined) object(request, 'exchange');
    for (const field of ['batch', 'receiver']) if (request[field] !== undefined) text(request, field);
    return await store.merge(request as unknown as MergeRequest);
  },
  CURSOR(request, { store }) {
    return store.cursor({ store: text(request, 'store'), incarnation: text(request, 'incarnation') });
  },
  SWEEP(request, { board, logger }, { member }): SweepCounter {
    const why = text(request, 'why').slice(0, 200);
    logger.debug('a sweep is asked for', { member, why });
    return { request: board.ask() };
  },
  async WAIT(request, { board }, { ended }): Promise<SweepCounter> {
    const seconds = Math.min(count(request, 'seconds'), MAX_WAIT_SECONDS);
    return { request: await board.wait(count(request, 'after'), seconds, ended) };
  },
  LOCK(request, { board }, peer) {
    return { held: board.lock(lockName(request), peer) };
  },
  UNLOCK(request, { board }, peer) {
    board.unlock(lockName(request), peer);
    return { held: false };
  },
  REPORT(request, { board, store, chains }, { own }) {
    const { sweep, proxy } = request;
    if (own && sweep !== undefined && object(request, 'sweep')['state'] === 'idle') store.disk.roundOver();
    if (own && proxy !== undefined) chains.learn(membersOf(object(request, 'proxy')));
    board.report({
      ...(sweep !== undefined && { sweep: object(request, 'sweep') as unknown as SweepReport }),
      ...(proxy !== undefined && { proxy: object(request, 'proxy') as unknown as ProxyReport }),
    });
    return {};
  },
  ...upkeepVerbs,
  ...diskVerbs,
  STATUS(_request, services): StatusReply {
    const { store, board, startedAt, version, sightings } = services;
    return {
      hello: ownHello(services),
      ...store.counts(),
      partBytes: store.parts.bytes,
      startedAt,
      version,
      upkeep: upkeepState(store),
      notices: [...store.disk.notices(), ...sightings.notices()],
      ...board.reports,
    };
  },
};

export const SITE_VERBS: readonly string[] = Object.keys(verbs);

/** Undefined: no such verb. @throws Refusal, PeerRefused, WireError */
export async function runSiteVerb(
  verb: string,
  request: Fields,
  services: SiteServices,
  peer: SitePeer,
): Promise<unknown> {
  const handler = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  try {
    return handler === undefined ? undefined : await handler(request, services, peer);
  } catch (error) {
    services.store.disk.noticeError(error);
    throw error;
  }
}

function folderOf(path: string, store: SiteServices['store']): Entry | null {
  const { entry } = store.record(path.slice(0, path.lastIndexOf('/')) || '/');
  if (entry === null) return null;
  const { record: _, ...shown } = entry;
  return shown;
}

function ownHello({ store, boot, chains }: SiteServices): Hello {
  return { ...store.hello(), boot, passesTo: chains.passesTo };
}

function sayHello(request: Fields, services: SiteServices, peer: SitePeer): Hello {
  if (count(request, 'protocol') !== PROTOCOL_VERSION) {
    throw new WireError(
      `this member speaks protocol ${PROTOCOL_VERSION}, the asker ${request['protocol']}: install the same version of Cloudroid on both`,
    );
  }
  if (request['from'] !== undefined) {
    const fields = object(request, 'from');
    const from: NonNullable<HelloRequest['from']> = {
      member: text(fields, 'member'),
      store: text(fields, 'store'),
      boot: text(fields, 'boot'),
    };
    services.sightings.check(from, peer);
  }
  return ownHello(services);
}

function lockName(request: Fields): string {
  const name = text(request, 'name');
  if (name !== 'sweep') throw wrong('name');
  return name;
}
