/**
 * Keeps an eye on one peer: a HELLO every few seconds while all is well, sooner when it is away or behind. It is in step
 * when its knowledge covers ours as read *before* it was asked. A peer that comes back is told to sweep, and so is our
 * own storage server: each may have what the other lacks. So are both when they know of the same writes and yet hold
 * different records: a conflict copy is no write of its own, so no knowledge tells of one that only some members made.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { VersionVector } from '../replication/record.ts';
import { includes } from '../replication/version.ts';
import type { Logger } from '../system/logger-api.ts';
import type { LocalReplica } from './local-replica.ts';
import type { Peer } from './peer.ts';
import type { Hello } from './protocol.ts';
import { MemberRetired } from './replica-client-api.ts';

const CALM_MS = 5_000;
const LAGGING_MS = 1_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 3_000;
/** A member that answers at all answers HELLO within this. */
const SILENCE_MS = 6_000;
/** Between two looks, however often somebody nudges. */
const LEAST_PAUSE_MS = 100;
/** Knowledge that differs for an instant is a push on its way; for longer, somebody has missed one. */
const LOOKS_BEFORE_SWEEP = 2;

export interface MonitorContext {
  readonly peer: Peer;
  readonly local: LocalReplica;
  readonly logger: Logger;
  /** What the network is known to know, to compare with while our own storage server was never up. */
  knownByOthers(): VersionVector;
  /** The peer's state is another one. */
  changed(): void;
}

export class PeerMonitor {
  readonly #context: MonitorContext;
  readonly #stop = new AbortController();
  #nudge = new AbortController();
  #retryMs = FIRST_RETRY_MS;
  #peerBehind = 0;
  #selfBehind = 0;
  #unlike = 0;
  /** The two trees for which both were asked to sweep: what that does not mend is not asked for again and again. */
  #sweptFor = '';
  readonly #lookedOnce = Promise.withResolvers<void>();
  readonly #running: Promise<void>;

  constructor(context: MonitorContext) {
    this.#context = context;
    this.#running = this.#watch();
  }

  /** Resolves when it is known for the first time how the peer is. */
  get looked(): Promise<void> {
    return this.#lookedOnce.promise;
  }

  /** Look soon; a look under way may know too little. */
  nudge(): void {
    this.#nudge.abort();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#nudge.abort();
    await this.#running;
  }

  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // Before the look: who nudges during it wants another one.
      this.#nudge = new AbortController();
      const waitMs = await this.#look();
      this.#lookedOnce.resolve();
      const { signal } = this.#stop;
      await sleep(LEAST_PAUSE_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      // Jitter: boards that start together must not ask together for ever.
      const jittered = waitMs * (0.8 + 0.4 * Math.random());
      await sleep(jittered, undefined, { signal: this.#nudge.signal }).catch(() => undefined);
    }
  }

  /** Milliseconds until the next look. */
  async #look(): Promise<number> {
    const { peer, local } = this.#context;
    const before = peer.state.kind;
    try {
      const own = await local.hello();
      if (own !== null) peer.noteRetired(own.retired);
      const from = own === null ? undefined : { member: own.member, store: own.store, boot: own.boot };
      await this.#judge(await this.#ask(from), own);
      this.#retryMs = FIRST_RETRY_MS;
    } catch (error) {
      if (this.#stop.signal.aborted) return 0;
      peer.lost(error);
      // Our own storage server hears of it in the round, and takes no more writes.
      if (error instanceof MemberRetired && before !== 'refused') this.#sweepHere();
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    }
    this.#tell(before);
    switch (peer.state.kind) {
      case 'in step':
      case 'self':
        return CALM_MS;
      case 'lagging':
        return LAGGING_MS;
      case 'away':
      case 'refused':
        return this.#retryMs;
    }
  }

  async #ask(from: Parameters<Peer['client']['hello']>[0]): Promise<Hello> {
    const late = AbortSignal.timeout(SILENCE_MS);
    try {
      const { peer } = this.#context;
      const asked = performance.now();
      const hello = await peer.client.hello(from, AbortSignal.any([this.#stop.signal, late]));
      peer.answeredIn(performance.now() - asked);
      return hello;
    } catch (error) {
      if (late.aborted) throw new Error(`no answer within ${SILENCE_MS / 1000} s`, { cause: error });
      throw error;
    }
  }

  async #judge(hello: Hello, own: Hello | null): Promise<void> {
    const { peer, local, knownByOthers } = this.#context;
    if (hello.member === local.member) {
      peer.hello = hello;
      // Anew: our storage server may have been restarted between the two questions.
      const now = await local.hello();
      const same = now === null || (now.boot === hello.boot && now.store === hello.store);
      peer.state = same
        ? { kind: 'self' }
        : { kind: 'refused', reason: `it has this member's identity (${hello.member}): a cloned card?` };
      return;
    }
    // Who is retired must be known everywhere soon; lists go from member to member with the sweeps.
    if (own?.readOnly === null && hello.retired.some((id) => !own.retired.includes(id))) this.#sweepHere();
    const returned = !peer.isReachable;
    peer.answered(hello, own?.knowledge ?? local.lastHello?.knowledge ?? knownByOthers());
    if (peer.isRetired) return;
    this.#peerBehind = peer.isInStep ? 0 : this.#peerBehind + 1;
    this.#selfBehind = own === null || includes(own.knowledge, hello.knowledge) ? 0 : this.#selfBehind + 1;
    if (returned || this.#peerBehind >= LOOKS_BEFORE_SWEEP) {
      this.#peerBehind = 0;
      this.askToSweep(returned ? 'you were away' : 'you lack something');
    }
    if (returned || this.#selfBehind >= LOOKS_BEFORE_SWEEP) {
      this.#selfBehind = 0;
      this.#sweepHere();
    }
    if (own !== null) this.#compareTrees(hello, own);
  }

  #compareTrees(hello: Hello, own: Hello): void {
    const alike = includes(own.knowledge, hello.knowledge) && includes(hello.knowledge, own.knowledge);
    this.#unlike = alike && hello.tree !== own.tree ? this.#unlike + 1 : 0;
    const trees = `${own.tree} ${hello.tree}`;
    if (this.#unlike < LOOKS_BEFORE_SWEEP || trees === this.#sweptFor) return;
    this.#sweptFor = trees;
    this.askToSweep('our records differ');
    this.#sweepHere();
  }

  /** It looks at the peers by itself when it returns; until then this is only a hint. */
  askToSweep(why: string): void {
    const { peer, logger } = this.#context;
    peer.client.sweep({ why }).catch((error: unknown) => {
      logger.debug('a peer could not be asked to sweep', { peer: peer.name, error });
    });
  }

  #sweepHere(): void {
    const { peer, local, logger } = this.#context;
    local.client.sweep({ why: `${peer.name} may have something new` }).catch((error: unknown) => {
      logger.debug('our own storage server could not be asked to sweep', { error });
    });
  }

  #tell(before: string): void {
    const { peer, logger, changed } = this.#context;
    const { state, name } = peer;
    if (state.kind === before) return;
    changed();
    const reason = 'reason' in state ? state.reason : undefined;
    if (state.kind === 'refused') logger.error('a peer is refused', { peer: name, reason });
    else if (state.kind === 'away') logger.warn('a peer is away', { peer: name, reason });
    else if (before === 'away' || before === 'refused')
      logger.info('a peer is here', { peer: name, state: state.kind });
    else logger.debug('a peer changed', { peer: name, state: state.kind, reason });
  }
}
