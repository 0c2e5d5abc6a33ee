/**
 * One upload to all members at once. What is small travels inside the commit; anything longer goes into staging on every
 * member while it comes from the client, hashed once on the way. Nothing is visible before `finish`.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Refusal } from '../replication/operation.ts';
import { commitEverywhere, type Delivery } from './commit-everywhere.ts';
import { LocalLane } from './local-lane.ts';
import { type Members, reachablePeers } from './members.ts';
import { Pace } from './pace.ts';
import type { Peer } from './peer.ts';
import { type Content, type Entry, INLINE_LIMIT_BYTES, type StageRequest } from './protocol.ts';
import type { ReplicaClient } from './replica-client-api.ts';
import { NoReplicaError, type Outcome, type Upload, type UploadOptions } from './replica-set-api.ts';
import { PeerLane } from './upload-lane.ts';

/** Reads the first bytes of a file, from any member. */
export type ReadPrefix = (entry: Entry, length: number) => AsyncIterable<Buffer>;

interface Lanes {
  readonly local: LocalLane | null;
  readonly peers: readonly PeerLane[];
}

export class FanOutUpload implements Upload {
  readonly #members: Members;
  readonly #path: string;
  readonly #options: UploadOptions;
  readonly #readPrefix: ReadPrefix;
  readonly #id = randomBytes(18).toString('base64url');
  readonly #hash = createHash('sha256');
  readonly #pace: Pace;
  #held: Uint8Array[] = [];
  #size = 0;
  #lanes: Lanes | null = null;
  #giveBackQueues: () => void = () => undefined;
  #state: 'receiving' | 'finishing' | 'over' = 'receiving';

  constructor(members: Members, path: string, options: UploadOptions, readPrefix: ReadPrefix) {
    this.#members = members;
    this.#path = path;
    this.#options = options;
    this.#readPrefix = readPrefix;
    this.#pace = new Pace(members.budget, (lane) => this.#tooSlow(lane));
  }

  get size(): number {
    return this.#size;
  }

  /** Opens the lanes at once where there is something to begin with. */
  async begin(): Promise<void> {
    await this.#requireRoom();
    const { prefix } = this.#options;
    if (prefix === undefined || prefix.length === 0) return;
    await this.#openLanes();
    for await (const chunk of this.#readPrefix(prefix.entry, prefix.length)) this.#hash.update(chunk);
    this.#size = prefix.length;
  }

  /** For what was announced; what lies in the trash makes room while bytes come. */
  async #requireRoom(): Promise<void> {
    const { announcedBytes = 0 } = this.#options;
    const { local } = this.#members;
    if (announcedBytes <= (local.lastHello?.freeBytes ?? 0)) return;
    const status = (await local.attempt((client) => client.status()))?.value;
    const free = status === undefined ? Number.POSITIVE_INFINITY : status.hello.freeBytes + status.trashBytes;
    if (announcedBytes <= free) return;
    throw new Refusal('no-space', `${announcedBytes} bytes announced, ${free} free`, { path: this.#path });
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#requireReceiving();
    this.#hash.update(chunk);
    this.#size += chunk.length;
    if (this.#lanes === null) {
      this.#held.push(chunk);
      if (this.#size <= INLINE_LIMIT_BYTES) return;
      const held = this.#held;
      this.#held = [];
      await this.#openLanes();
      for (const each of held) await this.#send(each);
    } else {
      await this.#send(chunk);
    }
  }

  async #send(chunk: Uint8Array): Promise<void> {
    const { local, peers } = this.#lanes ?? { local: null, peers: [] };
    for (const lane of peers) lane.write(chunk);
    await local?.write(chunk);
    await this.#pace.keep(peers);
    this.#pace.accepted(chunk.length);
    this.#requireReceiving();
    if (local === null && !peers.some(({ isOpen }) => isOpen)) {
      throw new NoReplicaError('no member takes the upload any more');
    }
  }

  async #openLanes(): Promise<void> {
    await this.#members.peers.looked();
    const request = this.#stageRequest;
    const peers = reachablePeers(this.#members).map(
      (peer) => new PeerLane(peer, request, (error) => this.#broke(peer, error)),
    );
    this.#lanes = { local: null, peers };
    this.#giveBackQueues = this.#members.budget.take(1 + peers.length);
    const local = await this.#openLocal(request);
    this.#lanes = { local, peers };
    if (this.#state === 'over') await local?.abort();
    this.#requireReceiving();
    if (local === null && peers.length === 0) throw new NoReplicaError('no member takes the upload');
  }

  /** The peer itself may be well: a look will tell. */
  #broke({ name, isReachable }: Peer, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#members.logger.info('a peer left an upload; it will catch up', {
      peer: name,
      path: this.#path,
      reason,
      reachable: isReachable,
    });
  }

  #tooSlow(lane: PeerLane): void {
    if (lane.isConnected) lane.peer.tooSlow();
    lane.drop('too slow for the live upload');
    this.#members.logger.info('a peer is too slow for an upload; it will catch up', {
      peer: lane.peer.name,
      path: this.#path,
    });
  }

  #requireReceiving(): void {
    if (this.#state !== 'receiving') throw new Refusal('busy', 'the upload is over', { path: this.#path });
  }

  get #stageRequest(): StageRequest {
    const { prefix } = this.#options;
    if (prefix === undefined || prefix.length === 0) return { id: this.#id };
    return { id: this.#id, prefix: { sha256: prefix.entry.sha256, length: prefix.length } };
  }

  /** Null: the storage server is down or takes no writes; peers may do. */
  async #openLocal(request: StageRequest): Promise<LocalLane | null> {
    try {
      const staged = await this.#members.local.attemptFor((client) => client.stage(request));
      const { path, size } = staged?.value ?? {};
      if (path === undefined || size === undefined) return null;
      return await LocalLane.open(path, size, this.#members.budget, () => this.#checkRoom());
    } catch (error) {
      if (error instanceof Refusal && (error.kind === 'read-only' || error.kind === 'missing-content'))
        return null;
      throw error;
    }
  }

  /** The storage server refuses to stage when only its reserve is left, after it has tried to empty the trash. */
  async #checkRoom(): Promise<void> {
    try {
      await this.#members.local.attempt((client) => client.stage({ id: this.#id }));
    } catch (error) {
      if (error instanceof Refusal && error.kind === 'no-space') throw error;
      this.#members.logger.debug('nobody says how much room there is', { path: this.#path, error });
    }
  }

  async finish(): Promise<Outcome> {
    this.#requireReceiving();
    this.#state = 'finishing';
    const sha256 = this.#hash.digest('hex');
    const delivery = this.#lanes === null ? this.#inline(sha256) : await this.#staged(sha256, this.#lanes);
    const { prefix, exclusive } = this.#options;
    const outcome = await commitEverywhere(
      this.#members,
      {
        op: 'put',
        path: this.#path,
        size: this.#size,
        sha256,
        ...(exclusive === true && { exclusive }),
        ...(prefix !== undefined && { baseSha256: prefix.entry.sha256 }),
      },
      'Stored',
      delivery,
    );
    this.#state = 'over';
    this.#giveBackQueues();
    return outcome;
  }

  #inline(sha256: string): Delivery {
    const content: Content = { inline: Buffer.concat(this.#held).toString('base64') };
    return {
      sha256,
      local: content,
      toPeer: () => Promise.resolve(content),
      progress: () => 0,
      notWanted: () => undefined,
    };
  }

  async #staged(sha256: string, { local, peers }: Lanes): Promise<Delivery> {
    const content: Content = { staged: this.#id };
    const arrivals = new Map(peers.map((lane) => [lane.peer, lane.end()]));
    await local?.end();
    return {
      sha256,
      local: local === null ? undefined : content,
      toPeer: async (peer) => ((await arrivals.get(peer)) === true ? content : undefined),
      progress: () => peers.reduce((sum, lane) => sum + lane.sentBytes, 0),
      notWanted: (peer) => {
        if (peer === null) {
          void this.#dropAt(this.#members.local.client);
          return;
        }
        const lane = peers.find((each) => each.peer === peer);
        if (lane === undefined) return;
        lane.drop('the peer pulls it later');
        void this.#dropAt(peer.client);
      },
    };
  }

  async abort(reason: string): Promise<void> {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#giveBackQueues();
    this.#held = [];
    const lanes = this.#lanes;
    if (lanes === null) return;
    for (const lane of lanes.peers) lane.drop(reason);
    await lanes.local?.abort();
    await Promise.all([
      lanes.local === null ? undefined : this.#dropAt(this.#members.local.client),
      ...lanes.peers.map(({ peer }) => (peer.isReachable ? this.#dropAt(peer.client) : undefined)),
    ]);
  }

  /** Best effort: what stays is invisible and cleared away after a day. */
  async #dropAt(client: ReplicaClient): Promise<void> {
    try {
      await client.dropStaging(this.#id);
    } catch (error) {
      this.#members.logger.debug('a part was left in staging', { path: this.#path, error });
    }
  }
}
