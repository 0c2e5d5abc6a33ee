/**
 * One upload to all members at once. What is small travels inside the commit; anything longer goes into staging on every
 * member while it comes from the client, hashed once on the way. Nothing is visible before `finish`.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Refusal } from '../replication/operation.ts';
import { commitEverywhere, type Delivery } from './commit-everywhere.ts';
import type { Members } from './members.ts';
import { type Content, type Entry, INLINE_LIMIT_BYTES, type StageRequest } from './protocol.ts';
import type { Outcome, Upload, UploadOptions } from './replica-set-api.ts';
import { UploadLanes } from './upload-lanes.ts';

/** Reads the first bytes of a file, from any member. */
export type ReadPrefix = (entry: Entry, length: number) => AsyncIterable<Buffer>;

export class FanOutUpload implements Upload {
  readonly #members: Members;
  readonly #path: string;
  readonly #options: UploadOptions;
  readonly #readPrefix: ReadPrefix;
  readonly #id = randomBytes(18).toString('base64url');
  readonly #hash = createHash('sha256');
  #held: Uint8Array[] = [];
  #size = 0;
  /** Null as long as everything fits into the commit. */
  #lanes: UploadLanes | null = null;
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
    await this.#requireRoom();
    const { prefix } = this.#options;
    if (prefix === undefined || prefix.length === 0) return;
    const { entry, length } = prefix;
    await this.#openLanes({ id: this.#id, prefix: { sha256: entry.sha256, length } });
    for await (const chunk of this.#readPrefix(entry, length)) {
      this.#hash.update(chunk);
      this.#size += chunk.length;
    }
    if (this.#size !== length) throw new Refusal('changed', 'the file is shorter', { path: this.#path });
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
    if (this.#lanes !== null) {
      await this.#send(this.#lanes, chunk);
      return;
    }
    this.#held.push(chunk);
    if (this.#size <= INLINE_LIMIT_BYTES) return;
    const held = this.#held;
    this.#held = [];
    const lanes = await this.#openLanes({ id: this.#id });
    for (const each of held) await this.#send(lanes, each);
  }

  async #send(lanes: UploadLanes, chunk: Uint8Array): Promise<void> {
    await lanes.write(chunk);
    this.#requireReceiving();
  }

  async #openLanes(request: StageRequest): Promise<UploadLanes> {
    await this.#members.peers.looked();
    this.#requireReceiving();
    this.#lanes = new UploadLanes(this.#members, request, this.#path);
    await this.#lanes.open();
    this.#requireReceiving();
    return this.#lanes;
  }

  #requireReceiving(): void {
    if (this.#state !== 'receiving') throw new Refusal('busy', 'the upload is over', { path: this.#path });
  }

  async finish(): Promise<Outcome> {
    this.#requireReceiving();
    this.#state = 'finishing';
    const sha256 = this.#hash.digest('hex');
    const { prefix, exclusive } = this.#options;
    const { baseSha256 = prefix?.entry.sha256 } = this.#options;
    const outcome = await commitEverywhere(
      this.#members,
      {
        op: 'put',
        path: this.#path,
        size: this.#size,
        sha256,
        ...(exclusive === true && { exclusive }),
        ...(baseSha256 !== undefined && { baseSha256 }),
      },
      'Stored',
      this.#lanes === null ? this.#inline(sha256) : await this.#lanes.end(sha256),
    );
    this.#state = 'over';
    this.#lanes?.giveBack();
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

  async abort(reason: string): Promise<void> {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#held = [];
    await this.#lanes?.abort(reason);
  }
}
