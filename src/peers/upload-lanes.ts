/**
 * All ways that the bytes of one upload take at once: this member's own staging file, and every reachable peer's, from here
 * or through a chain.
 */
import { Refusal } from '../replication/operation.ts';
import type { Ways } from './chain-order.ts';
import type { Delivery } from './commit-everywhere.ts';
import { LocalLane, ROOM_CHECK_BYTES } from './local-lane.ts';
import { isAlone, type Members, reachablePeers } from './members.ts';
import { Pace } from './pace.ts';
import type { Peer } from './peer.ts';
import type { Content, StageReply, StageRequest } from './protocol.ts';
import type { AdoptRequest } from './protocol-parts.ts';
import type { ReplicaClient } from './replica-client-api.ts';
import { NoReplicaError } from './replica-set-api.ts';
import { UploadChain } from './upload-chain.ts';
import { PeerLane } from './upload-lane.ts';

const NOWHERE = Promise.resolve(false);

export class UploadLanes {
  readonly #members: Members;
  readonly #request: StageRequest;
  /** For the log. */
  readonly #path: string;
  #peers: readonly PeerLane[];
  /** Who gets it through a chain, once the own staging file is there. */
  readonly #chained: readonly Peer[];
  #chain: UploadChain | null = null;
  readonly #pace: Pace;
  readonly #giveBackQueues: () => void;
  #local: LocalLane | null = null;
  #givenUp = false;

  /** Nobody waits for the peers: what is written waits in their queues. */
  constructor(
    members: Members,
    request: StageRequest,
    path: string,
    { star, chain }: Ways = { star: reachablePeers(members), chain: [] },
  ) {
    this.#members = members;
    this.#request = request;
    this.#path = path;
    this.#pace = new Pace(members.budget, (lane) => this.#tooSlow(lane));
    this.#peers = star.map((peer) => this.#laneTo(peer));
    this.#chained = chain;
    this.#giveBackQueues = members.budget.take(1 + star.length + Math.min(1, chain.length));
  }

  #laneTo(peer: Peer): PeerLane {
    return new PeerLane(peer, this.#request, (error) => this.#broke(peer, error));
  }

  /** `adopt`: the local staging file is to begin with that part. Throws Refusal (no-space), NoReplicaError. */
  async open(adopt?: AdoptRequest): Promise<void> {
    const local = await this.#openLocal(adopt);
    this.#local = local;
    // Who is fed from the own staging file needs one.
    if (local === null) this.#peers = [...this.#peers, ...this.#chained.map((peer) => this.#laneTo(peer))];
    if (this.#givenUp) {
      await local?.abort();
      await this.#dropAt(this.#members.local.client);
    }
    this.#requireSomebody();
  }

  async #openChain(path: string): Promise<void> {
    const { logger, local } = this.#members;
    const { id } = this.#request;
    if (this.#chained.length === 0) return;
    try {
      this.#chain = await UploadChain.open({
        ...{ id, origin: local.member, path, peers: this.#chained, logger },
      });
      if (this.#givenUp) this.#chain.abort('the upload was given up');
    } catch (error) {
      logger.warn('an upload goes to each peer from here', { path: this.#path, error });
      this.#peers = [...this.#peers, ...this.#chained.map((peer) => this.#laneTo(peer))];
    }
  }

  /** Null: the storage server is down or takes no writes; peers may do. */
  async #openLocal(adopt: AdoptRequest | undefined): Promise<LocalLane | null> {
    const { local, budget } = this.#members;
    const stage = (client: ReplicaClient): Promise<StageReply> =>
      adopt === undefined ? client.stage(this.#request) : client.parts.adopt(adopt);
    try {
      const staged = await local.attemptFor(stage, isAlone(this.#members));
      const { path, size, room = ROOM_CHECK_BYTES } = staged?.value ?? {};
      if (path === undefined || size === undefined) return null;
      const lane = await LocalLane.open(path, size, room, budget, () => this.#checkRoom());
      await this.#openChain(path);
      return lane;
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

  /**
   * `isHere`: the local staging file has these bytes. `done`: nobody needs the memory of the chunk any more; not called when
   * the upload fails. Throws Refusal no-space or io, NoReplicaError.
   */
  async write(chunk: Uint8Array, isHere = false, done?: () => void): Promise<void> {
    const { length } = chunk;
    let users = 1 + this.#peers.length;
    const leave = () => {
      users -= 1;
      if (users === 0) done?.();
    };
    for (const lane of this.#peers) lane.write(chunk, leave);
    const chain = this.#chain;
    const stored = () => {
      chain?.stored(length);
      leave();
    };
    if (isHere || this.#local === null) stored();
    else await this.#local.write(chunk, stored);
    await chain?.accepted(length);
    await this.#pace.keep(this.#peers);
    this.#pace.accepted(length);
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
    const chain = this.#chain;
    // Its bytes come from the own staging file.
    await this.#local?.written();
    chain?.end();
    for (const peer of chain?.peers ?? []) arrivals.set(peer, chain?.arrives(peer, sha256) ?? NOWHERE);
    await this.#local?.end();
    return {
      sha256,
      local: this.#local === null ? undefined : content,
      toPeer: async (peer) => ((await arrivals.get(peer)) === true ? content : undefined),
      progress: () => this.#peers.reduce((sum, lane) => sum + lane.sentBytes, chain?.progress ?? 0),
      notWanted: (peer) => this.#notWanted(peer),
    };
  }

  #notWanted(peer: Peer | null): void {
    if (peer === null) {
      void this.#dropAt(this.#members.local.client);
      return;
    }
    const lane = this.#peers.find((each) => each.peer === peer);
    if (lane === undefined && !this.#throughChain.includes(peer)) return;
    lane?.drop('the peer pulls it later');
    void this.#dropAt(peer.client);
  }

  /** The commit is over. */
  giveBack(): void {
    this.#giveBackQueues();
  }

  /** Leaves the peers, so that nobody waits for them any more. */
  leavePeers(reason: string): void {
    for (const lane of this.#peers) lane.drop(reason);
    this.#chain?.abort(reason);
  }

  /** Those that may have bytes in staging because of it. */
  get #throughChain(): readonly Peer[] {
    return this.#chain?.peers ?? [];
  }

  /** Everybody drops what came. */
  async #dropAtPeers(): Promise<void> {
    const peers = [...this.#peers.map(({ peer }) => peer), ...this.#throughChain];
    await Promise.all(peers.map((peer) => (peer.isReachable ? this.#dropAt(peer.client) : undefined)));
  }

  /**
   * After the last write: closes the local staging file and leaves it there; the peers drop theirs. False: there is none.
   * Throws Refusal no-space or io.
   */
  async keepLocal(reason: string): Promise<boolean> {
    this.leavePeers(reason);
    this.#giveBackQueues();
    void this.#dropAtPeers();
    await this.#local?.end();
    return this.#local !== null;
  }

  async abort(reason: string): Promise<void> {
    this.#givenUp = true;
    this.#giveBackQueues();
    this.leavePeers(reason);
    await this.#local?.abort();
    // The client waits for the answer: not for a peer that hangs.
    void this.#dropAtPeers();
    if (this.#local !== null) await this.#dropAt(this.#members.local.client);
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
