/** All members as one: what the gateway talks to (replica-set-api.ts). */
import type { Readable } from 'node:stream';
import type { AckMode, Endpoint, Identity } from '../config/settings-api.ts';
import type { Operation } from '../replication/operation.ts';
import { includes } from '../replication/version.ts';
import type { Logger } from '../system/logger-api.ts';
import { formatEndpoint } from '../system/port-in-use.ts';
import { commitEverywhere } from './commit-everywhere.ts';
import { FanOutUpload } from './fan-out-upload.ts';
import { openReplica } from './ftp-replica.ts';
import { LocalReplica } from './local-replica.ts';
import { type Members, RecentRecords } from './members.ts';
import { Peer } from './peer.ts';
import { PeerMonitor } from './peer-monitor.ts';
import type { Entry, MemberStatus, RecordReply } from './protocol.ts';
import { type ReplicaClient, ReplicaUnreachable } from './replica-client-api.ts';
import { readEntry } from './replica-read.ts';
import {
  NoReplicaError,
  type Outcome,
  type ReplicaSet,
  type Upload,
  type UploadOptions,
} from './replica-set-api.ts';
import type { TlsCredentials } from './trust.ts';

export interface ReplicaSetOptions {
  /** This member's own storage server. Not closed with the set. */
  readonly local: ReplicaClient;
  readonly ack: AckMode;
  readonly credentials: TlsCredentials;
  readonly identity: Identity;
  readonly logger: Logger;
}

export interface PeeredReplicaSet extends ReplicaSet {
  /** The lines of PEERS.txt; connections to those that stay are kept. */
  setPeers(endpoints: readonly Endpoint[]): void;
}

/** Members are looked for in the background; until they are found they count as away. */
export function openReplicaSet(options: ReplicaSetOptions): PeeredReplicaSet {
  return new FtpReplicaSet(options);
}

const VERBS: { readonly [op in Exclude<Operation['op'], 'put'>]: string } = {
  delete: 'Deleted',
  mkdir: 'Made',
  rmdir: 'Removed',
  rename: 'Renamed',
  touch: 'Changed',
};

interface Watched {
  readonly peer: Peer;
  readonly monitor: PeerMonitor;
}

class FtpReplicaSet implements PeeredReplicaSet {
  readonly #options: ReplicaSetOptions;
  readonly #members: Members;
  #watched = new Map<string, Watched>();

  constructor(options: ReplicaSetOptions) {
    const { ack, identity, logger, local } = options;
    this.#options = options;
    this.#members = {
      name: identity.name,
      ack,
      logger,
      local: new LocalReplica(local, identity.member),
      seen: new RecentRecords(),
      peers: () => this.#peers(),
      fellBehind: (peer, why) => this.#fellBehind(peer, why),
    };
  }

  setPeers(endpoints: readonly Endpoint[]): void {
    const before = this.#watched;
    const { credentials, logger } = this.#options;
    this.#watched = new Map();
    for (const endpoint of endpoints) {
      const key = formatEndpoint(endpoint);
      this.#watched.set(
        key,
        before.get(key) ?? this.#watch(new Peer(endpoint, openReplica({ endpoint, credentials }))),
      );
    }
    for (const [key, { peer, monitor }] of before) {
      if (this.#watched.has(key)) continue;
      logger.info('a peer is not listed any more', { peer: peer.name });
      peer.client.close();
      void monitor.close();
    }
  }

  #watch(peer: Peer): Watched {
    const others = () => this.#peers();
    return { peer, monitor: new PeerMonitor(peer, this.#members.local, others, this.#options.logger) };
  }

  /** Without lines that name this member, and without second lines for one. */
  #peers(): Peer[] {
    const known = new Set<string>();
    return [...this.#watched.values()]
      .map(({ peer }) => peer)
      .filter(({ state, hello }) => {
        if (state.kind === 'self') return false;
        if (hello === null) return true;
        if (known.has(hello.member)) return false;
        known.add(hello.member);
        return true;
      });
  }

  #fellBehind(peer: Peer, why: string): void {
    peer.lags(why);
    const watched = this.#watched.get(formatEndpoint(peer.endpoint));
    watched?.monitor.askToSweep(why);
    watched?.monitor.nudge();
  }

  async lookup(path: string): Promise<Entry | null> {
    const { entry, record } = await this.#ask((client) => client.record({ path }));
    this.#members.seen.note(path, record);
    if (entry !== null || record !== null) return entry;
    return await this.#lookupWhereMoreIsKnown(path);
  }

  /** This member may have just returned: what it never heard of, a peer that knows more may have. */
  async #lookupWhereMoreIsKnown(path: string): Promise<Entry | null> {
    const own = this.#members.local.lastHello?.knowledge;
    if (own === undefined || path === '/') return null;
    for (const peer of this.#peers()) {
      if (!peer.isReachable || peer.hello === null || includes(own, peer.hello.knowledge)) continue;
      const reply: RecordReply | null = await peer.client.record({ path }).catch(() => null);
      if (reply?.entry != null) return reply.entry;
    }
    return null;
  }

  async list(path: string): Promise<AsyncIterable<Entry>> {
    return await this.#ask((client) => client.list(path));
  }

  /** The local replica, else a peer: those in step first. */
  async #ask<T>(call: (client: ReplicaClient) => Promise<T>): Promise<T> {
    const here = await this.#members.local.attempt(call);
    if (here !== null) return here.value;
    const reachable = this.#peers().filter(({ isReachable }) => isReachable);
    for (const peer of reachable.sort((a, b) => Number(b.isInStep) - Number(a.isInStep))) {
      try {
        return await call(peer.client);
      } catch (error) {
        if (!(error instanceof ReplicaUnreachable)) throw error;
        peer.lost(error);
      }
    }
    throw new NoReplicaError('neither the own storage server nor a peer answers');
  }

  read(entry: Entry, offset: number): Promise<Readable> {
    return readEntry(this.#members, entry, offset);
  }

  async startUpload(path: string, options: UploadOptions = {}): Promise<Upload> {
    const upload = new FanOutUpload(this.#members, path, options, (entry, length) =>
      this.#prefix(entry, length),
    );
    try {
      await upload.begin();
    } catch (error) {
      await upload.abort('it could not begin');
      throw error;
    }
    return upload;
  }

  async *#prefix(entry: Entry, length: number): AsyncGenerator<Buffer, void> {
    let left = length;
    for await (const chunk of (await this.read(entry, 0)) as AsyncIterable<Buffer>) {
      yield chunk.subarray(0, left);
      left -= Math.min(left, chunk.length);
      if (left === 0) return;
    }
  }

  change(operation: Exclude<Operation, { op: 'put' }>): Promise<Outcome> {
    return commitEverywhere(this.#members, operation, VERBS[operation.op]);
  }

  members(): readonly MemberStatus[] {
    const { local, name } = this.#members;
    const here: MemberStatus = {
      name,
      member: local.member,
      address: 'this member',
      state: local.isUp ? 'in step' : 'away',
      reason: local.isUp ? (local.lastHello?.readOnly ?? null) : 'its storage server does not answer',
      lastSeenAt: null,
    };
    return [here, ...this.#peers().map((peer) => peer.status())];
  }

  async close(): Promise<void> {
    const watched = [...this.#watched.values()];
    this.#watched = new Map();
    for (const { peer } of watched) peer.client.close();
    await Promise.all(watched.map(({ monitor }) => monitor.close()));
  }
}
