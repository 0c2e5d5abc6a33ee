/**
 * One upload to all members at once. What is small travels inside the commit; anything longer goes into staging on every
 * member while it comes from the client, hashed once on the way. Nothing is visible before `finish`.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Refusal } from '../replication/operation.ts';
import { type Ways, waysTo } from './chain-order.ts';
import { commitEverywhere, type Delivery } from './commit-everywhere.ts';
import { Gathered } from './gathered.ts';
import type { KeptParts } from './kept-parts.ts';
import { type Members, reachablePeers } from './members.ts';
import { openPart, readPart } from './part-reader.ts';
import { type Content, type Entry, INLINE_LIMIT_BYTES, type StageRequest } from './protocol.ts';
import type { AdoptRequest } from './protocol-parts.ts';
import type { KeepAs, Outcome, Upload, UploadOptions } from './replica-set-api.ts';
import { requireRoom } from './room-for.ts';
import { UploadLanes } from './upload-lanes.ts';

/** Up to so many bytes the first one here and the last one there are nearer when each peer gets them from here. */
const STAR_LIMIT_BYTES = 256 * 1024;
const NOBODY: Ways = { star: [], chain: [] };

/** Where an upload may begin. */
export interface Beginnings {
  /** Reads the first bytes of a file, from any member. */
  readonly readPrefix: (entry: Entry, length: number) => AsyncIterable<Buffer>;
  readonly parts: KeptParts;
}

export class FanOutUpload implements Upload {
  readonly #members: Members;
  readonly #path: string;
  readonly #options: UploadOptions;
  readonly #beginnings: Beginnings;
  readonly #id = randomBytes(18).toString('base64url');
  /** Of all bytes but the last. */
  readonly #hash = createHash('sha256');
  #last: Uint8Array = new Uint8Array(0);
  readonly #held = new Gathered();
  #size = 0;
  /** Of it, what was here before the client sent anything. */
  #begunWith = 0;
  /** How a long one goes to the peers. */
  #ways: Ways | null = null;
  /** Null as long as everything fits into the commit, or is too short for a chain. */
  #lanes: UploadLanes | null = null;
  /** The write under way; never rejects. */
  #writing: Promise<unknown> = Promise.resolve();
  /** keeping: takes nothing more, what it has taken is written to its end. */
  #state: 'receiving' | 'keeping' | 'finishing' | 'over' = 'receiving';

  constructor(members: Members, path: string, options: UploadOptions, beginnings: Beginnings) {
    this.#members = members;
    this.#path = path;
    this.#options = options;
    this.#beginnings = beginnings;
  }

  get size(): number {
    return this.#size;
  }

  /** Opens the lanes at once where there is something to begin with. */
  async begin(): Promise<void> {
    await requireRoom(this.#members, this.#path, this.#options.announcedBytes ?? 0);
    const { prefix, part } = this.#options;
    if (part !== undefined && part.length > 0) await this.#beginWithPart(part);
    this.#begunWith = this.#size;
    if (prefix === undefined || prefix.length === 0) return;
    const { entry, length } = prefix;
    await this.#openLanes({ id: this.#id, prefix: { sha256: entry.sha256, length } });
    for await (const chunk of this.#beginnings.readPrefix(entry, length)) this.#count(chunk);
    if (this.#size !== length) throw new Refusal('changed', 'the file is shorter', { path: this.#path });
    this.#begunWith = length;
  }

  /** Other members get its bytes from here; the own staging file takes the whole of it over, or as much as is wanted of it. */
  async #beginWithPart({ owner, found, length }: NonNullable<UploadOptions['part']>): Promise<void> {
    const file = await openPart(found);
    try {
      const whole = length === found.size;
      const adopt = whole ? { ...owner, part: found.id, staged: this.#id } : undefined;
      const lanes = await this.#openLanes({ id: this.#id }, adopt);
      for await (const chunk of readPart(file, found, length)) {
        this.#count(chunk);
        await this.#send(lanes, chunk, whole);
      }
    } catch (error) {
      // Nobody could ever go on from it.
      if (error instanceof Refusal && error.kind === 'hash-mismatch')
        await this.#beginnings.parts.drop(owner);
      throw error;
    } finally {
      await file.close();
    }
  }

  async write(chunk: Uint8Array, done?: () => void): Promise<void> {
    this.#requireReceiving(false);
    const written = this.#write(chunk, done);
    this.#writing = written.catch(() => undefined);
    await written;
  }

  /** The last byte waits: what is kept of an upload must end before it (`keep`). */
  #count(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#hash.update(this.#last).update(chunk.subarray(0, -1));
    // A copy: the memory of the chunk is used again.
    this.#last = Uint8Array.from(chunk.subarray(-1));
    this.#size += chunk.length;
  }

  async #write(chunk: Uint8Array, done?: () => void): Promise<void> {
    this.#count(chunk);
    if (this.#lanes !== null) {
      await this.#send(this.#lanes, chunk, false, done);
      return;
    }
    // It stays until the commit or until there are lanes: not in memory of which it takes a small part.
    this.#held.add(chunk, true);
    done?.();
    if (this.#size <= INLINE_LIMIT_BYTES) return;
    const { announcedBytes = 0 } = this.#options;
    await this.#members.peers.looked();
    this.#requireReceiving();
    this.#ways ??= waysTo(reachablePeers(this.#members));
    const isLong = this.#ways.chain.length === 0 || Math.max(this.#size, announcedBytes) > STAR_LIMIT_BYTES;
    if (isLong) await this.#sendHeld(this.#ways);
  }

  async #sendHeld(ways?: Ways): Promise<void> {
    const lanes = await this.#openLanes({ id: this.#id }, undefined, ways);
    for (const each of this.#held.take()) await this.#send(lanes, each);
  }

  async #send(lanes: UploadLanes, chunk: Uint8Array, isHere = false, done?: () => void): Promise<void> {
    await lanes.write(chunk, isHere, done);
    this.#requireReceiving();
  }

  async #openLanes(request: StageRequest, adopt?: AdoptRequest, ways?: Ways): Promise<UploadLanes> {
    await this.#members.peers.looked();
    this.#requireReceiving();
    this.#lanes = new UploadLanes(this.#members, request, this.#path, ways);
    await this.#lanes.open(adopt);
    this.#requireReceiving();
    return this.#lanes;
  }

  /** `orKeeping`: what was taken before is still written. */
  #requireReceiving(orKeeping = true): void {
    if (this.#state === 'receiving' || (orKeeping && this.#state === 'keeping')) return;
    throw new Refusal('busy', 'the upload is over', { path: this.#path });
  }

  async finish(): Promise<Outcome> {
    this.#requireReceiving(false);
    // Too long for the commit, too short for a chain.
    if (this.#lanes === null && this.#size > INLINE_LIMIT_BYTES) await this.#sendHeld();
    this.#state = 'finishing';
    const sha256 = this.#hash.update(this.#last).digest('hex');
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
    const content: Content = { inline: Buffer.concat(this.#held.pieces).toString('base64') };
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
    this.#held.take();
    await this.#lanes?.abort(reason);
  }

  /**
   * All but the last byte: it may be the last of the file, and a client that is told that all is there already goes away,
   * content with a file that never comes to be.
   */
  async keep({ owner, ...how }: KeepAs): Promise<boolean> {
    if (this.#state !== 'receiving' || this.#size <= this.#begunWith + 1) {
      await this.abort('nothing to keep');
      return false;
    }
    this.#state = 'keeping';
    const { parts } = this.#beginnings;
    try {
      this.#lanes?.leavePeers('the client is gone');
      await this.#writing;
      const request = { ...owner, ...how, staged: this.#id, size: this.#size - 1 };
      const here =
        (await this.#gatherHere()) && (await parts.keep({ ...request, sha256: this.#hash.digest('hex') }));
      this.#state = 'over';
      if (!here) await this.#lanes?.abort('it could not be kept');
      return here;
    } catch (error) {
      this.#members.logger.warn('an upload that broke off could not be kept', { path: this.#path, error });
      await this.#lanes?.abort('it could not be kept');
      return false;
    } finally {
      this.#state = 'over';
    }
  }

  /** All that came is in the own staging file, and nobody writes to it any more. False: there is none. */
  async #gatherHere(): Promise<boolean> {
    const held = this.#held.take();
    if (this.#lanes === null) {
      // A little, that was to travel inside the commit.
      this.#lanes = new UploadLanes(this.#members, { id: this.#id }, this.#path, NOBODY);
      await this.#lanes.open();
      for (const each of held) await this.#lanes.write(each);
    }
    return await this.#lanes.keepLocal('the client is gone');
  }
}
