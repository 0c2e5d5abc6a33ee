/** This member's own storage server, which may be down for a moment (its supervisor restarts it) or for long. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Hello } from './protocol.ts';
import { type ReplicaClient, ReplicaUnreachable } from './replica-client-api.ts';

const RETRY_FOR_MS = 1_200;
const RETRY_EVERY_MS = 150;

export class LocalReplica {
  readonly client: ReplicaClient;
  readonly member: string;
  /** What it said last; kept while it is down. */
  lastHello: Hello | null = null;
  /** As of the last call. */
  isUp = true;
  #asking: Promise<Hello | null> | null = null;

  constructor(client: ReplicaClient, member: string) {
    this.client = client;
    this.member = member;
  }

  /** Null: it does not answer. Monitors that ask in the same moment share one question. */
  hello(): Promise<Hello | null> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<Hello | null> {
    try {
      this.lastHello = await this.client.hello();
      this.isUp = true;
      return this.lastHello;
    } catch {
      this.isUp = false;
      return null;
    }
  }

  /** Null when it cannot be reached. Refusals pass. */
  async attempt<T>(call: (client: ReplicaClient) => Promise<T>): Promise<{ readonly value: T } | null> {
    try {
      const value = await call(this.client);
      this.isUp = true;
      return { value };
    } catch (error) {
      if (!(error instanceof ReplicaUnreachable)) throw error;
      this.isUp = false;
      return null;
    }
  }

  /** The same, waiting a moment for a restart: for calls that may be repeated. */
  async attemptFor<T>(call: (client: ReplicaClient) => Promise<T>): Promise<{ readonly value: T } | null> {
    // Known to be down for long: one try.
    const until = Date.now() + (this.isUp ? RETRY_FOR_MS : 0);
    for (;;) {
      const result = await this.attempt(call);
      if (result !== null || Date.now() >= until) return result;
      await sleep(RETRY_EVERY_MS);
    }
  }
}
