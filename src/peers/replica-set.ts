/** All members as one: what the gateway talks to (replica-set-api.ts). */
import type { AckMode, Endpoint, Identity } from '../config/settings-api.ts';
import type { Bytes } from '../ftp/data-stream.ts';
import { SlabPool } from '../ftp/slabs.ts';
import { parentOf } from '../ftp/virtual-path.ts';
import { type Operation, Refusal } from '../replication/operation.ts';
import type { Logger } from '../system/logger-api.ts';
import { readAccounts, setAccount } from './accounts-everywhere.ts';
import { commitEverywhere } from './commit-everywhere.ts';
import { FanOutUpload } from './fan-out-upload.ts';
import { FounderMark } from './founder-mark.ts';
import { openReplica } from './ftp-replica.ts';
import { listAhead, peersAhead } from './joining.ts';
import { KeptParts } from './kept-parts.ts';
import { LocalReplica } from './local-replica.ts';
import { isAlone, type Members, RecentRecords, reachablePeers } from './members.ts';
import type { Peer } from './peer.ts';
import { PeerList } from './peer-list.ts';
import type { Entry } from './protocol.ts';
import type { AccountsReply, Usage } from './protocol-accounts.ts';
import type { MemberStatus } from './protocol-reports.ts';
import { QueueBudget } from './queue-budget.ts';
import { PIECE_BYTES } from './read-file.ts';
import { RecentPlaces, recordAndPlace } from './recent-places.ts';
import type { ReplicaClient } from './replica-client-api.ts';
import { readEntry } from './replica-read.ts';
import {
  type InFolder,
  NoReplicaError,
  type Outcome,
  type ReplicaSet,
  type Upload,
  type UploadOptions,
} from './replica-set-api.ts';
import { lookupWhereMoreIsKnown } from './second-opinion.ts';
import { type EntryPage, inPages } from './shown-listing.ts';
import type { TlsCredentials } from './trust.ts';

export interface ReplicaSetOptions {
  /** This member's own storage server. Not closed with the set. */
  readonly local: ReplicaClient;
  readonly ack: AckMode;
  readonly credentials: TlsCredentials;
  readonly identity: Identity;
  readonly logger: Logger;
  /** Where it is remembered that this member began the network (founder-mark.ts); absent: nowhere. */
  readonly founderFile?: string;
  /** `members()` may say something else now; called often. */
  readonly onMembersChanged?: () => void;
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

class FtpReplicaSet implements PeeredReplicaSet {
  readonly #members: Members;
  readonly parts: KeptParts;

  constructor({ ack, identity, logger, credentials, ...options }: ReplicaSetOptions) {
    const local = new LocalReplica(options.local, identity.member);
    const openPeer = (endpoint: Endpoint) => openReplica({ endpoint, credentials });
    this.parts = new KeptParts(local);
    const changed = options.onMembersChanged ?? (() => undefined);
    this.#members = {
      name: identity.name,
      ack,
      logger,
      local,
      peers: new PeerList({ local, logger, openPeer, changed }),
      budget: new QueueBudget(),
      founder: new FounderMark(options.founderFile ?? null),
      seen: new RecentRecords(),
      places: new RecentPlaces(),
      damaged: new Set(),
      slabs: new SlabPool(PIECE_BYTES),
    };
  }

  setPeers(endpoints: readonly Endpoint[]): void {
    this.#members.peers.set(endpoints);
  }

  async lookup(path: string): Promise<Entry | null> {
    const { entry, record } = await this.#ask((client) => recordAndPlace(this.#members, client, path));
    this.#members.seen.note(path, record);
    if (entry !== null || record !== null) return entry;
    return await lookupWhereMoreIsKnown(this.#members, path);
  }

  async lookupInFolder(path: string): Promise<InFolder> {
    const reply = await this.#ask((client) => recordAndPlace(this.#members, client, path, true));
    this.#members.seen.note(path, reply.record);
    const unknown = reply.entry === null && reply.record === null;
    const entry = unknown ? await lookupWhereMoreIsKnown(this.#members, path) : reply.entry;
    return { entry, folder: reply.folder ?? (await this.lookup(parentOf(path))) };
  }

  async list(path: string, over?: AbortSignal): Promise<AsyncIterable<EntryPage>> {
    const ahead = await peersAhead(this.#members);
    const listed = ahead.length === 0 ? null : await listAhead(this.#members, ahead, path, over);
    if (listed !== null) return inPages(listed);
    const { client: own } = this.#members.local;
    return await this.#ask(async (client) =>
      client === own ? await client.listShown(path, over) : inPages(await client.list(path, over)),
    );
  }

  /**
   * The local replica, else a peer: those in step first. Before a peer that lags, the local one gets a moment to return.
   * One that takes no writes may lack much (its catalog is rebuilt, its disk is away): peers are asked before it.
   */
  async #ask<T>(call: (client: ReplicaClient) => Promise<T>): Promise<T> {
    const { local } = this.#members;
    const inStep = reachablePeers(this.#members).filter(({ isInStep }) => isInStep);
    const lacks = (local.lastHello?.readOnly ?? null) !== null;
    const answer =
      (lacks ? await this.#askPeers(inStep, call) : null) ??
      (await local.attempt(call)) ??
      (await this.#askPeers(inStep, call)) ??
      (await local.attemptFor(call, isAlone(this.#members))) ??
      (await this.#askPeers(reachablePeers(this.#members), call));
    if (answer === null) throw new NoReplicaError('neither the own storage server nor a peer answers');
    return answer.value;
  }

  async #askPeers<T>(
    peers: readonly Peer[],
    call: (client: ReplicaClient) => Promise<T>,
  ): Promise<{ readonly value: T } | null> {
    for (const peer of peers) {
      try {
        return { value: await call(peer.client) };
      } catch (error) {
        if (error instanceof Refusal) throw error;
        this.#members.peers.lost(peer, error);
      }
    }
    return null;
  }

  read(entry: Entry, offset: number): Promise<Bytes> {
    return readEntry(this.#members, entry, offset);
  }

  async startUpload(path: string, options: UploadOptions = {}): Promise<Upload> {
    const upload = new FanOutUpload(this.#members, path, options, {
      readPrefix: (entry, length) => this.#prefix(entry, length),
      parts: this.parts,
    });
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
    // To the end, whatever of it is used: only the whole file can be checked, and rot must not become a new version.
    for await (const chunk of await this.read(entry, 0)) {
      if (left > 0) yield chunk.subarray(0, left);
      left -= Math.min(left, chunk.length);
    }
  }

  change(operation: Exclude<Operation, { op: 'put' }>): Promise<Outcome> {
    return commitEverywhere(this.#members, operation, VERBS[operation.op]);
  }

  accounts(digest: string): Promise<AccountsReply> {
    return readAccounts(this.#members, digest);
  }

  setAccount(name: string, text: string | null): Promise<Outcome> {
    return setAccount(this.#members, name, text);
  }

  usage(path: string): Promise<Usage> {
    return this.#ask((client) => client.accounts.usage(path));
  }

  members(): readonly MemberStatus[] {
    const { local, name, peers } = this.#members;
    const here: MemberStatus = {
      name,
      member: local.member,
      address: 'this member',
      state: local.isUp ? 'in step' : 'away',
      reason: local.isUp ? (local.lastHello?.readOnly ?? null) : local.reason,
      lastSeenAt: null,
    };
    return [here, ...peers.all().map((peer) => peer.status())];
  }

  async freeBytes(): Promise<number> {
    const own = await this.#members.local.attempt((client) => client.hello());
    const all = [own?.value ?? null, ...reachablePeers(this.#members).map(({ hello }) => hello)];
    const free = all.filter((hello) => hello !== null).map(({ freeBytes }) => freeBytes);
    if (free.length === 0) throw new NoReplicaError('neither the own storage server nor a peer answers');
    return Math.min(...free);
  }

  async close(): Promise<void> {
    this.#members.local.close();
    await this.#members.peers.close();
  }
}
