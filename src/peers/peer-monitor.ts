/**
 * Keeps an eye on every peer: one HELLO every few seconds while all is well, sooner when it is away or behind. A peer
 * is in step when its knowledge covers ours as read *before* it was asked. A peer that comes back is told to sweep, and
 * so is our own storage server: each may have what the other lacks.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { includes, join } from '../replication/version.ts';
import type { Logger } from '../system/logger-api.ts';
import type { LocalReplica } from './local-replica.ts';
import type { Peer } from './peer.ts';
import type { Hello } from './protocol.ts';

const CALM_MS = 5_000;
const LAGGING_MS = 1_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 3_000;
/** Knowledge that differs for an instant is a push on its way; for longer, somebody has missed one. */
const LOOKS_BEFORE_SWEEP = 2;

export class PeerMonitor {
  readonly #peer: Peer;
  readonly #local: LocalReplica;
  readonly #others: () => readonly Peer[];
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  #nudge = new AbortController();
  #retryMs = FIRST_RETRY_MS;
  #peerBehind = 0;
  #selfBehind = 0;
  readonly #running: Promise<void>;

  /** `others`: all peers, to compare with while our own storage server is down. */
  constructor(peer: Peer, local: LocalReplica, others: () => readonly Peer[], logger: Logger) {
    this.#peer = peer;
    this.#local = local;
    this.#others = others;
    this.#logger = logger;
    this.#running = this.#watch();
  }

  /** Look soon. */
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
      const waitMs = await this.#look();
      this.#nudge = new AbortController();
      // Jitter: boards that start together must not ask together for ever.
      await sleep(waitMs * (0.8 + 0.4 * Math.random()), undefined, { signal: this.#nudge.signal }).catch(
        () => undefined,
      );
    }
  }

  /** Milliseconds until the next look. */
  async #look(): Promise<number> {
    const peer = this.#peer;
    const before = peer.state;
    try {
      const own = await this.#local.hello();
      const from = own === null ? undefined : { member: own.member, store: own.store, boot: own.boot };
      const hello = await peer.client.hello(from, this.#stop.signal);
      peer.hello = hello;
      peer.lastSeenAt = Date.now();
      this.#retryMs = FIRST_RETRY_MS;
      await this.#judge(hello, own);
    } catch (error) {
      if (this.#stop.signal.aborted) return 0;
      peer.lost(error);
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    }
    this.#tell(before.kind);
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

  async #judge(hello: Hello, own: Hello | null): Promise<void> {
    const peer = this.#peer;
    if (hello.member === this.#local.member) {
      // Anew: our storage server may have been restarted between the two questions.
      const now = await this.#local.hello();
      const same = now === null || (now.boot === hello.boot && now.store === hello.store);
      peer.state = same
        ? { kind: 'self' }
        : { kind: 'refused', reason: `it has this member's identity (${hello.member}): a cloned card?` };
      return;
    }
    const returned = !peer.isReachable;
    const wanted = own?.knowledge ?? this.#local.lastHello?.knowledge ?? this.#sumOfPeers();
    const inStep = includes(hello.knowledge, wanted);
    this.#peerBehind = inStep ? 0 : this.#peerBehind + 1;
    this.#selfBehind = own === null || includes(own.knowledge, hello.knowledge) ? 0 : this.#selfBehind + 1;
    if (hello.readOnly !== null)
      peer.state = { kind: 'lagging', reason: `takes no writes: ${hello.readOnly}` };
    else if (inStep) peer.state = { kind: 'in step' };
    else peer.state = { kind: 'lagging', reason: 'is catching up' };
    if (returned || this.#peerBehind >= LOOKS_BEFORE_SWEEP) {
      this.#peerBehind = 0;
      this.askToSweep(returned ? 'you were away' : 'you lack something');
    }
    if (returned || this.#selfBehind >= LOOKS_BEFORE_SWEEP) {
      this.#selfBehind = 0;
      this.#local.client.sweep({ why: `${peer.name} may have something new` }).catch((error: unknown) => {
        this.#logger.debug('our own storage server could not be asked to sweep', { error });
      });
    }
  }

  #sumOfPeers() {
    const reachable = this.#others().filter(({ isReachable }) => isReachable);
    return reachable.reduce((sum, { hello }) => join(sum, hello?.knowledge ?? {}), {});
  }

  /** It looks at the peers by itself when it returns; until then this is only a hint. */
  askToSweep(why: string): void {
    this.#peer.client.sweep({ why }).catch((error: unknown) => {
      this.#logger.debug('a peer could not be asked to sweep', { peer: this.#peer.name, error });
    });
  }

  #tell(before: string): void {
    const { state, name } = this.#peer;
    if (state.kind === before) return;
    const reason = 'reason' in state ? state.reason : undefined;
    if (state.kind === 'refused') this.#logger.error('a peer is refused', { peer: name, reason });
    else if (state.kind === 'away') this.#logger.warn('a peer is away', { peer: name, reason });
    else if (before === 'away' || before === 'refused')
      this.#logger.info('a peer is here', { peer: name, state: state.kind });
    else this.#logger.debug('a peer changed', { peer: name, state: state.kind, reason });
  }
}
