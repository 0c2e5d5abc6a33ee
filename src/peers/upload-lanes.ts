/** All ways that the bytes of one upload take at once: this member's own staging file, and every reachable peer's. */
import { Refusal } from '../replication/operation.ts';
import type { Delivery } from './commit-everywhere.ts';
import { LocalLane, ROOM_CHECK_BYTES } from './local-lane.ts';
import { type Members, reachablePeers } from './members.ts';
import { Pace } from './pace.ts';
import type { Peer } from './peer.ts';
import type { Content, StageReply, StageRequest } from './protocol.ts';
import type { AdoptRequest } from './protocol-parts.ts';
import type { ReplicaClient } from './replica-client-api.ts';
import { NoReplicaError } from './replica-set-api.ts';
import { PeerLane } from './upload-lane.ts';

export class UploadLanes {
  readonly #members: Members;
  readonly #request: StageRequest;
  /** For the log. */
  readonly #path: string;
  readonly #peers: readonly PeerLane[];
  readonly #pace: Pace;
  readonly #giveBackQueues: () => void;
  #local: LocalLane | null = null;
  #givenUp = false;

  /** Nobody waits for the peers: what is written waits in their queues. */
  constructor(
    members: Members,
    request: StageRequest,
    path: string,
    peers: readonly Peer[] = reachablePeers(members),
  ) {
    this.#members = members;
    this.#request = request;
    this.#path = path;
    this.#pace = new Pace(members.budget, (lane) => this.#tooSlow(lane));
    this.#peers = peers.map((peer) => new PeerLane(peer, request, (error) => this.#broke(peer, error)));
    this.#giveBackQueues = members.budget.take(1 + this.#peers.length);
  }

  /** `adopt`: the local staging file is to begin with that part. Throws Refusal (no-space), NoReplicaError. */
  async open(adopt?: AdoptRequest): Promise<void> {
    const local = await this.#openLocal(adopt);
    this.#local = local;
    if (this.#givenUp) {
      await local?.abort();
      await this.#dropAt(this.#members.local.client);
    }
    this.#requireSomebody();
  }

  /** Null: the storage server is down or takes no writes; peers may do. */
  async #openLocal(adopt: AdoptRequest | undefined): Promise<LocalLane | null> {
    const { local, budget } = this.#members;
    const stage = (client: ReplicaClient): Promise<StageReply> =>
      adopt === undefined ? client.stage(this.#request) : client.parts.adopt(adopt);
    try {
      const staged = await local.attemptFor(stage);
      const { path, size, room = ROOM_CHECK_BYTES } = staged?.value ?? {};
      if (path === undefined || size === undefined) return null;
      return await LocalLane.open(path, size, room, budget, () => this.#checkRoom());
    } catch (error) {
      if (error instanceof Refusal && (error.kind === 'read-only' || error.kind === 'missing-content'))
        return null;
      throw error;
    }
  }

  /** The storage server refuses to stage when only its reserve is left, after it has tried to empty the trash. */
  async #checkRoom(): Promise<number> {
    try {
      const staged = await this.#members.local.attempt((client) => client.stage({ id: this.#request.id }));
      return staged?.value.room ?? ROOM_CHECK_BYTES;
    } catch (error) {
      if (error instanceof Refusal && error.kind === 'no-space') throw error;
      this.#members.logger.debug('nobody says how much room there is', { path: this.#path, error });
      return ROOM_CHECK_BYTES;
    }
  }

  /** `isHere`: the local staging file has these bytes. Throws Refusal no-space or io, NoReplicaError. */
  async write(chunk: Uint8Array, isHere = false): Promise<void> {
    for (const lane of this.#peers) lane.write(chunk);
    if (!isHere) await this.#local?.write(chunk);
    await this.#pace.keep(this.#peers);
    this.#pace.accepted(chunk.length);
    this.#requireSomebody();
  }

  #requireSomebody(): void {
    if (this.#local !== null || this.#peers.some(({ isOpen }) => isOpen)) return;
    throw new NoReplicaError('no member takes the upload');
  }

  /** The peer itself may be well: its monitor will tell. */
  #broke({ name }: Peer, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#members.logger.info('a peer left an upload; it will catch up', {
      peer: name,
      path: this.#path,
      reason,
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

  /** No more bytes come. Throws Refusal no-space or io. */
  async end(sha256: string): Promise<Delivery> {
    const content: Content = { staged: this.#request.id };
    const arrivals = new Map(this.#peers.map((lane) => [lane.peer, lane.end()]));
    await this.#local?.end();
    return {
      sha256,
      local: this.#local === null ? undefined : content,
      toPeer: async (peer) => ((await arrivals.get(peer)) === true ? content : undefined),
      progress: () => this.#peers.reduce((sum, lane) => sum + lane.sentBytes, 0),
      notWanted: (peer) => this.#notWanted(peer),
    };
  }

  #notWanted(peer: Peer | null): void {
    if (peer === null) {
      void this.#dropAt(this.#members.local.client);
      return;
    }
    const lane = this.#peers.find((each) => each.peer === peer);
    if (lane === undefined) return;
    lane.drop('the peer pulls it later');
    void this.#dropAt(peer.client);
  }

  /** The commit is over. */
  giveBack(): void {
    this.#giveBackQueues();
  }

  /** Leaves the peers, so that nobody waits for them any more. */
  leavePeers(reason: string): void {
    for (const lane of this.#peers) lane.drop(reason);
  }

  /**
   * After the last write: closes the local staging file and leaves it there; the peers drop theirs. False: there is none.
   * Throws Refusal no-space or io.
   */
  async keepLocal(reason: string): Promise<boolean> {
    this.leavePeers(reason);
    this.#giveBackQueues();
    for (const { peer } of this.#peers) if (peer.isReachable) void this.#dropAt(peer.client);
    await this.#local?.end();
    return this.#local !== null;
  }

  async abort(reason: string): Promise<void> {
    this.#givenUp = true;
    this.#giveBackQueues();
    for (const lane of this.#peers) lane.drop(reason);
    await this.#local?.abort();
    await Promise.all([
      this.#local === null ? undefined : this.#dropAt(this.#members.local.client),
      ...this.#peers.map(({ peer }) => (peer.isReachable ? this.#dropAt(peer.client) : undefined)),
    ]);
  }

  /** Best effort: what stays is invisible and cleared away after a day. */
  async #dropAt(client: ReplicaClient): Promise<void> {
    try {
      await client.dropStaging(this.#request.id);
    } catch (error) {
      this.#members.logger.debug('a part was left in staging', { path: this.#path, error });
    }
  }
}
