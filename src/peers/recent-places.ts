/**
 * What a lookup has said of where a file is on the own disk, for the read that follows it at once: so a download asks the
 * storage server one question instead of two. It is a hint: whoever opens the file compares inode, time and size as ever.
 */
import type { LocalReplica } from './local-replica.ts';
import type { Entry, RecordReply } from './protocol.ts';
import type { ReplicaClient } from './replica-client-api.ts';

export type Place = NonNullable<RecordReply['disk']>;

/** Longer ago the file may have moved. */
const FRESH_MS = 1_000;
const MOST = 100;

export class RecentPlaces {
  readonly #places = new Map<
    string,
    { readonly sha256: string; readonly place: Place; readonly at: number }
  >();

  note({ entry, disk }: RecordReply): void {
    if (entry === null) return;
    this.#places.delete(entry.path);
    if (disk === undefined) return;
    this.#places.set(entry.path, { sha256: entry.sha256, place: disk, at: performance.now() });
    if (this.#places.size <= MOST) return;
    const [oldest] = this.#places.keys();
    if (oldest !== undefined) this.#places.delete(oldest);
  }

  /** Once. Undefined: ask. */
  take({ path, sha256 }: Entry): Place | undefined {
    const known = this.#places.get(path);
    this.#places.delete(path);
    if (known?.sha256 !== sha256 || performance.now() - known.at > FRESH_MS) return undefined;
    return known.place;
  }
}

/** The own storage server alone names places, and is believed: a peer's answer must not make us open anything. */
export async function recordAndPlace(
  { local, places }: { readonly local: LocalReplica; readonly places: RecentPlaces },
  client: ReplicaClient,
  path: string,
  folder = false,
): Promise<RecordReply> {
  const asked = folder ? { path, folder } : { path };
  if (client !== local.client) return await client.record(asked);
  const reply = await client.record({ ...asked, local: true });
  places.note(reply);
  return reply;
}
