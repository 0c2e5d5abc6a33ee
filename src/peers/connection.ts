/** What the pool and the link need of a connection to a storage server, whatever carries it. */
export interface Connection {
  /** How many commands were sent on it. */
  readonly uses: number;
  /** It died of silence: trying again would take as long again. */
  readonly silent: boolean;
  readonly closed: boolean;
  /**
   * Sends a line, resolves with the text of the final reply (2xx or 3xx). `onMark`: called for a 150. `silenceMs`: for
   * requests that may keep the server's only thread busy longer than usual.
   * @throws Refusal (the connection lives on), ReplicaUnreachable, ReplicaUntrusted (it is dead).
   */
  ask(line: string, onMark?: () => void, silenceMs?: number): Promise<string>;
  close(): void;
}

/** A storage server says `100` every 3 s while it works; so long without anything means that it is gone. */
export const SILENCE_MS = 10_000;
