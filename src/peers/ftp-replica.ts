/** A replica at a distance: replica-client-api.ts spoken with basic-ftp over mutual TLS. */
import type { Readable } from 'node:stream';
import { type PushedRecord, Refusal } from '../replication/operation.ts';
import { AccountsClient } from './accounts-client.ts';
import { AtticClient } from './attic-client.ts';
import { MembersClient } from './members-client.ts';
import { PartsClient } from './parts-client.ts';
import type { ConnectOptions } from './peer-connection.ts';
import { PeerLink, siteLine } from './peer-link.ts';
import type {
  CommitReply,
  CommitRequest,
  CursorReply,
  Entry,
  Hello,
  HelloRequest,
  MergeReply,
  MergeRequest,
  RecordReply,
  StageReply,
} from './protocol.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import type { ArrivedReply } from './protocol-chain.ts';
import type { DiskReply, DiskRequest } from './protocol-disk.ts';
import type { StatusReply, SweepCounter } from './protocol-reports.ts';
import type { ReplicaClient, ReplicaUpload } from './replica-client-api.ts';
import {
  checkOutcome,
  parseArrived,
  parseEntry,
  parseHello,
  parseMergeReply,
  parsePushed,
  parseRecordReply,
  replyWith,
} from './reply-checks.ts';
import { fitCommit, fitMerge } from './request-size.ts';
import { type EntryPage, parseShownPage } from './shown-listing.ts';
import { readRecords, TreeClient } from './tree-client.ts';
import { UpkeepClient } from './upkeep-client.ts';
import { encodeText, WireError } from './wire.ts';

export type ReplicaOptions = ConnectOptions;

/** One transaction over a whole folder, or the end of a long catch-up, in which the server's only thread says nothing. */
const LONG_SILENCE_MS = 60_000;
/** Of the beginning of a file, gigabytes perhaps: short commands must not wait for that. */
const COPYING = { purpose: 'arrival' } as const;

/** Opens no connection yet. */
export function openReplica(options: ReplicaOptions): ReplicaClient {
  return new FtpReplica(options);
}

class FtpReplica implements ReplicaClient {
  readonly accounts: AccountsClient;
  readonly attic: AtticClient;
  readonly tree: TreeClient;
  readonly upkeep: UpkeepClient;
  readonly #link: PeerLink;
  readonly members: MembersClient;
  readonly parts: PartsClient;

  constructor(options: ReplicaOptions) {
    this.#link = new PeerLink(options);
    this.accounts = new AccountsClient(this.#link);
    this.attic = new AtticClient(this.#link);
    this.tree = new TreeClient(this.#link);
    this.upkeep = new UpkeepClient(this.#link);
    this.members = new MembersClient(this.#link);
    this.parts = new PartsClient(this.#link);
  }

  get endpoint(): ReplicaOptions['endpoint'] {
    return this.#link.endpoint;
  }

  async hello(from?: HelloRequest['from'], signal?: AbortSignal): Promise<Hello> {
    const request: HelloRequest = { protocol: PROTOCOL_VERSION, ...(from && { from }) };
    return await this.#link.site('HELLO', request, parseHello, { signal });
  }

  async record(request: { path: string; local?: boolean }): Promise<RecordReply> {
    return await this.#link.site('RECORD', request, parseRecordReply);
  }

  async list(dir: string, over?: AbortSignal): Promise<AsyncIterable<Entry>> {
    return this.#link.lines(await this.#link.download(`/list/${encodeText(dir)}`, 0, over), parseEntry);
  }

  async listShown(dir: string, over?: AbortSignal): Promise<AsyncIterable<EntryPage>> {
    const stream = await this.#link.download(`/shown/${encodeText(dir)}`, 0, over);
    return this.#link.lines(stream, (line) => parseShownPage(dir, line));
  }

  async stage(request: Parameters<ReplicaClient['stage']>[0]): Promise<StageReply> {
    const parse = (text: string) => replyWith<StageReply>(text, { size: 'number' });
    return await this.#link.site('STAGE', request, parse, request.prefix === undefined ? {} : COPYING);
  }

  async arrived(request: Parameters<ReplicaClient['arrived']>[0]): Promise<ArrivedReply> {
    return await this.#link.site('ARRIVED', request, parseArrived, { purpose: 'arrival' });
  }

  async openUpload(id: string, offset: number, begun?: () => void): Promise<ReplicaUpload> {
    return await this.#link.upload(id, offset, begun);
  }

  async stagedSize(id: string): Promise<number | null> {
    try {
      return await this.#link.command(`SIZE /staging/${id}`, (text) => {
        if (!/^\d{1,15}$/.test(text)) throw new WireError('no size');
        return Number(text);
      });
    } catch (error) {
      if (error instanceof Refusal && error.kind === 'not-found') return null;
      throw error;
    }
  }

  async dropStaging(id: string): Promise<void> {
    await this.#link.command(`DELE /staging/${id}`, () => undefined);
  }

  async commit(request: CommitRequest): Promise<CommitReply> {
    const { request: fitting, staged } = await fitCommit(request, (bytes) => this.#link.stage(bytes));
    try {
      const parse = (text: string) => replyWith<CommitReply>(text, { count: 'number' });
      const silenceMs = request.operation.op === 'rename' ? LONG_SILENCE_MS : undefined;
      const reply = await this.#link.site('COMMIT', fitting, parse, { silenceMs });
      if (reply.pushed !== undefined) return reply;
      if (typeof reply.batch !== 'string') {
        throw this.#link.garbage(new WireError('neither records nor a batch'));
      }
      const pushed = await this.readBatch(reply.batch);
      staged.push(reply.batch);
      return { pushed, count: reply.count };
    } finally {
      await this.#link.drop(staged);
    }
  }

  async merge(request: MergeRequest): Promise<MergeReply> {
    const { request: fitting, staged } = await fitMerge(request, (bytes, id) => this.#link.stage(bytes, id));
    try {
      const reply = await this.#link.site('MERGE', fitting, parseMergeReply, {
        silenceMs: fitting.batch === undefined ? undefined : LONG_SILENCE_MS,
      });
      const { outcomesBatch, counts, need } = reply;
      if (outcomesBatch === undefined) return reply;
      const outcomes = await this.#link.all(`/staging/${outcomesBatch}`, checkOutcome);
      staged.push(outcomesBatch);
      return { outcomes, counts, need };
    } finally {
      await this.#link.drop(staged);
    }
  }

  async readBatch(id: string): Promise<readonly PushedRecord[]> {
    return await this.#link.all(`/staging/${id}`, parsePushed);
  }

  async changes(after: number): ReturnType<ReplicaClient['changes']> {
    return await readRecords(this.#link, `/changes/${after}`);
  }

  async readObject(sha256: string, offset: number): Promise<Readable> {
    return await this.#link.download(`/objects/${sha256}`, offset);
  }

  async cursor(request: Parameters<ReplicaClient['cursor']>[0]): Promise<CursorReply> {
    return await this.#link.site('CURSOR', request, (text) =>
      replyWith<CursorReply>(text, { after: 'number' }),
    );
  }

  async sweep(request: Parameters<ReplicaClient['sweep']>[0]): Promise<SweepCounter> {
    return await this.#link.site('SWEEP', request, parseCounter);
  }

  async wait(request: Parameters<ReplicaClient['wait']>[0], signal?: AbortSignal): Promise<SweepCounter> {
    const connection = await this.#link.open();
    try {
      return await this.#link.ask(connection, siteLine('WAIT', request), parseCounter, { signal });
    } finally {
      this.#link.leave(connection);
    }
  }

  async lock(name: 'sweep'): ReturnType<ReplicaClient['lock']> {
    const connection = await this.#link.open();
    let held = false;
    try {
      const parse = (text: string) => replyWith<{ held: boolean }>(text, { held: 'boolean' });
      ({ held } = await this.#link.ask(connection, siteLine('LOCK', { name }), parse));
    } finally {
      if (!held) this.#link.leave(connection);
    }
    return held ? { release: async () => this.#link.leave(connection) } : null;
  }

  async report(report: Parameters<ReplicaClient['report']>[0]): Promise<void> {
    await this.#link.site('REPORT', report, () => undefined);
  }

  async disk(request: DiskRequest): Promise<DiskReply> {
    const parse = (text: string) => replyWith<DiskReply>(text, { rebuilding: 'boolean' });
    return await this.#link.site('DISK', request, parse);
  }

  async status(): Promise<StatusReply> {
    return await this.#link.site('STATUS', {}, (text) =>
      replyWith<StatusReply>(text, {
        hello: 'object',
        files: 'number',
        startedAt: 'number',
        version: 'string',
        notices: 'array',
      }),
    );
  }

  close(): void {
    this.#link.close();
  }
}

function parseCounter(text: string): SweepCounter {
  return replyWith<SweepCounter>(text, { request: 'number' });
}
