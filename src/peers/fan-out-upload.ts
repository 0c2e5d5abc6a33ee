/**
 * One upload to all members at once. What is small travels inside the commit; anything longer goes into staging on every
 * member while it comes from the client, hashed once on the way. Nothing is visible before `finish`.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Refusal } from '../replication/operation.ts';
import { commitEverywhere, type Delivery } from './commit-everywhere.ts';
import type { Members } from './members.ts';
import { Pace } from './pace.ts';
import type { Peer } from './peer.ts';
import { type Content, type Entry, INLINE_LIMIT_BYTES, type StageRequest } from './protocol.ts';
import { NoReplicaError, type Outcome, type Upload, type UploadOptions } from './replica-set-api.ts';
import { LocalLane, PeerLane } from './upload-lane.ts';

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
  readonly #pace = new Pace();
  #held: Uint8Array[] = [];
  #size = 0;
  #lanes: Lanes | null = null;
  #state: 'receiving' | 'finishing' | 'over' = 'receiving';

  constructor(members: Members, path: string, options: UploadOptions, readPrefix: ReadPrefix) {
    this.#members = members;
    this.#path = path;
    this.#options = options;
    this.#readPrefix = readPrefix;
  }

  get size(): number {
    return this.#size;
  }

  /** Opens the lanes at once where there is something to begin with. */
  async begin(): Promise<void> {
    const { prefix, announcedBytes = 0 } = this.#options;
    const free = this.#members.local.lastHello?.freeBytes;
    if (free !== undefined && this.#members.local.isUp && announcedBytes > free) {
      throw new Refusal('no-space', `${announcedBytes} bytes announced, ${free} free`, { path: this.#path });
    }
    if (prefix === undefined || prefix.length === 0) return;
    await this.#openLanes();
    for await (const chunk of this.#readPrefix(prefix.entry, prefix.length)) this.#hash.update(chunk);
    this.#size = prefix.length;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#state !== 'receiving') throw new Refusal('busy', 'the upload is over', { path: this.#path });
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
    if (this.#state !== 'receiving') throw new Refusal('busy', 'the upload is over', { path: this.#path });
    if (local === null && !peers.some(({ isOpen }) => isOpen)) {
      throw new NoReplicaError('no member takes the upload any more');
    }
  }

  async #openLanes(): Promise<void> {
    const [local, ...peers] = await Promise.all([
      this.#openLocal(),
      ...this.#members.peers().map((peer) => (peer.isReachable ? this.#openPeer(peer) : null)),
    ]);
    this.#lanes = { local, peers: peers.filter((lane) => lane !== null) };
    if (local === null && this.#lanes.peers.length === 0)
      throw new NoReplicaError('no member takes the upload');
  }

  get #stageRequest(): StageRequest {
    const { prefix } = this.#options;
    if (prefix === undefined || prefix.length === 0) return { id: this.#id };
    return { id: this.#id, prefix: { sha256: prefix.entry.sha256, length: prefix.length } };
  }

  /** Null: the storage server is down or takes no writes; peers may do. */
  async #openLocal(): Promise<LocalLane | null> {
    try {
      const staged = await this.#members.local.attemptFor((client) => client.stage(this.#stageRequest));
      if (staged === null || staged.value.path === undefined) return null;
      return await LocalLane.open(staged.value.path, staged.value.size);
    } catch (error) {
      if (error instanceof Refusal && (error.kind === 'read-only' || error.kind === 'missing-content'))
        return null;
      throw error;
    }
  }

  /** Null: it pulls afterwards. */
  async #openPeer(peer: Peer): Promise<PeerLane | null> {
    try {
      const { size } = await peer.client.stage(this.#stageRequest);
      return new PeerLane(peer, await peer.client.openUpload(this.#id, size));
    } catch (error) {
      if (!(error instanceof Refusal)) peer.lost(error);
      return null;
    }
  }

  async finish(): Promise<Outcome> {
    if (this.#state !== 'receiving') throw new Refusal('busy', 'the upload is over', { path: this.#path });
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
    return outcome;
  }

  #inline(sha256: string): Delivery {
    const content: Content = { inline: Buffer.concat(this.#held).toString('base64') };
    return { sha256, local: content, toPeer: () => Promise.resolve(content), progress: () => 0 };
  }

  async #staged(sha256: string, { local, peers }: Lanes): Promise<Delivery> {
    await local?.end();
    const content: Content = { staged: this.#id };
    const arrivals = new Map(peers.map((lane) => [lane.peer, lane.end()]));
    return {
      sha256,
      local: local === null ? undefined : content,
      toPeer: async (peer) => ((await arrivals.get(peer)) === true ? content : undefined),
      progress: () => peers.reduce((sum, lane) => sum + lane.queuedBytes, 0),
    };
  }

  async abort(reason: string): Promise<void> {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#held = [];
    const lanes = this.#lanes;
    if (lanes === null) return;
    for (const lane of lanes.peers) lane.drop(reason);
    await lanes.local?.abort();
    // Best effort: what stays is invisible and cleared away after a day.
    const drop = (client: { dropStaging(id: string): Promise<void> }) =>
      client.dropStaging(this.#id).catch((error: unknown) => {
        this.#members.logger.debug('a part was left in staging', { path: this.#path, error });
      });
    await Promise.all([
      lanes.local === null ? undefined : drop(this.#members.local.client),
      ...lanes.peers.map(({ peer }) => (peer.isReachable ? drop(peer.client) : undefined)),
    ]);
  }
}
