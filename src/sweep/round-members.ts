/** What a round does about who belongs to the network: at its beginning, after each pull, and at its end. */
import type { Hello } from '../peers/protocol.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { haveJoined, learnMembers } from './member-lists.ts';
import { collectTombstones, type PulledPeer } from './tombstones.ts';

export interface RoundMembersOptions {
  readonly local: ReplicaClient;
  readonly signal: AbortSignal;
  readonly dryRun: boolean;
  /** The round goes on, and tells of it. */
  readonly failed: (error: unknown) => void;
}

export class RoundMembers {
  readonly #options: RoundMembersOptions;
  readonly #pulled: PulledPeer[] = [];
  #whole = true;

  constructor(options: RoundMembersOptions) {
    this.#options = options;
  }

  get anyPulled(): boolean {
    return this.#pulled.length > 0;
  }

  /** One answer for each address. Who is retired is no failure, and nothing waits for it: the proxy names it. */
  async greeted(greetings: readonly PromiseSettledResult<Hello>[]): Promise<(hello: Hello) => boolean> {
    const { local, dryRun } = this.#options;
    this.#whole = greetings.every(({ status }) => status === 'fulfilled');
    try {
      return await learnMembers(local, greetings, dryRun);
    } catch (error) {
      this.missed();
      this.#options.failed(error);
      return () => true;
    }
  }

  /** Completely. `own`: this member as it was before. */
  async pulledFrom({ peer, hello }: PulledPeer, own: Hello): Promise<void> {
    this.#pulled.push({ peer, hello });
    if (own.joining && !hello.joining && !this.#options.dryRun) await haveJoined(this.#options.local);
  }

  /** Some address was not what it should be, or could not be pulled from completely. */
  missed(): void {
    this.#whole = false;
  }

  /** Only when every address was reached and pulled from. */
  async settle(): Promise<void> {
    const { local, signal, dryRun, failed } = this.#options;
    if (dryRun || !this.#whole) return;
    try {
      if ((await local.hello()).readOnly !== null) return;
      if (this.anyPulled) await haveJoined(local);
      await collectTombstones(local, this.#pulled, signal);
    } catch (error) {
      signal.throwIfAborted();
      failed(error);
    }
  }
}
