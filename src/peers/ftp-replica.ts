/** A replica at a distance: replica-client-api.ts spoken with basic-ftp over mutual TLS. */
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { PushedRecord } from '../replication/operation.ts';
import type { ReplicaRecord } from '../replication/record.ts';
import { ConnectionPool } from './connection-pool.ts';
import type { ConnectOptions, PeerConnection } from './peer-connection.ts';
import { peerError } from './peer-errors.ts';
import {
  type CommitReply,
  type CommitRequest,
  type CursorReply,
  type Entry,
  type Hello,
  type HelloRequest,
  MAX_LINE_BYTES,
  type MergeReply,
  type MergeRequest,
  PROTOCOL_VERSION,
  type RecordReply,
  type StageReply,
  type StatusReply,
  type SweepCounter,
} from './protocol.ts';
import type { ReplicaClient, ReplicaUpload } from './replica-client-api.ts';
import { startDownload } from './replica-download.ts';
import { startUpload } from './replica-upload.ts';
import {
  checkEntry,
  checkOutcome,
  checkRecord,
  parseEntry,
  parseHeader,
  parseRecord,
  replyWith,
} from './reply-checks.ts';
import { fitCommit, fitMerge } from './request-size.ts';
import { encodeJson, encodeText, parseObject, readLines, WireError } from './wire.ts';

export type ReplicaOptions = ConnectOptions;

/** Opens no connection yet. */
export function openReplica(options: ReplicaOptions): ReplicaClient {
  return new FtpReplica(options);
}

class FtpReplica implements ReplicaClient {
  readonly endpoint: ConnectOptions['endpoint'];
  readonly #options: ReplicaOptions;
  readonly #pool: ConnectionPool;

  constructor(options: ReplicaOptions) {
    this.endpoint = options.endpoint;
    this.#options = options;
    this.#pool = new ConnectionPool(options);
  }

  async hello(from?: HelloRequest['from'], signal?: AbortSignal): Promise<Hello> {
    const request: HelloRequest = { protocol: PROTOCOL_VERSION, ...(from && { from }) };
    return await this.#pool.use('command', (connection) =>
      closedBy(signal, connection, async () => {
        const text = await connection.ask(siteLine('HELLO', request));
        return await this.#checked(connection, () =>
          replyWith<Hello>(text, {
            protocol: 'number',
            member: 'string',
            name: 'string',
            store: 'string',
            incarnation: 'string',
            boot: 'string',
            knowledge: 'object',
            members: 'array',
            freeBytes: 'number',
            changes: 'number',
          }),
        );
      }),
    );
  }

  async record(request: { path: string; local?: boolean }): Promise<RecordReply> {
    return await this.#site('RECORD', request, (text) => {
      const reply = replyWith<RecordReply>(text, {});
      if (reply.entry === undefined || reply.record === undefined)
        throw new WireError('neither entry nor null');
      if (reply.entry !== null) checkEntry(reply.entry);
      if (reply.record !== null) checkRecord(reply.record);
      return reply;
    });
  }

  async list(dir: string): Promise<AsyncIterable<Entry>> {
    const stream = await startDownload(this.#pool, `/list/${encodeText(dir)}`, 0);
    return this.#parsed(stream, parseEntry);
  }

  async stage(request: Parameters<ReplicaClient['stage']>[0]): Promise<StageReply> {
    return await this.#site('STAGE', request, (text) => replyWith<StageReply>(text, { size: 'number' }));
  }

  async openUpload(id: string, offset: number): Promise<ReplicaUpload> {
    return await startUpload(this.#pool, `/staging/${id}`, offset);
  }

  async stagedSize(id: string): Promise<number | null> {
    try {
      return await this.#command(`SIZE /staging/${id}`, (text) => {
        if (!/^\d{1,15}$/.test(text)) throw new WireError('no size');
        return Number(text);
      });
    } catch (error) {
      if (error instanceof Error && 'kind' in error && error.kind === 'not-found') return null;
      throw error;
    }
  }

  async dropStaging(id: string): Promise<void> {
    await this.#command(`DELE /staging/${id}`, () => undefined);
  }

  async commit(request: CommitRequest): Promise<CommitReply> {
    const { request: fitting, staged } = await fitCommit(request, (bytes) => this.#stage(bytes));
    try {
      const reply = await this.#site('COMMIT', fitting, (text) =>
        replyWith<CommitReply>(text, { count: 'number' }),
      );
      if (reply.pushed !== undefined) return reply;
      if (typeof reply.batch !== 'string') throw this.#garbage(new WireError('neither records nor a batch'));
      const pushed = await this.readBatch(reply.batch);
      staged.push(reply.batch);
      return { pushed, count: reply.count };
    } finally {
      await this.#drop(staged);
    }
  }

  async merge(request: MergeRequest): Promise<MergeReply> {
    const { request: fitting, staged } = await fitMerge(request, (bytes, id) => this.#stage(bytes, id));
    try {
      const reply = await this.#site('MERGE', fitting, (text) => {
        const found = replyWith<MergeReply>(text, { counts: 'object', need: 'array' });
        for (const outcome of found.outcomes ?? []) checkOutcome(outcome);
        return found;
      });
      if (reply.outcomes !== undefined) return reply;
      const { outcomesBatch, counts, need } = reply;
      if (typeof outcomesBatch !== 'string') throw this.#garbage(new WireError('no outcomes'));
      const stream = await startDownload(this.#pool, `/staging/${outcomesBatch}`, 0);
      const outcomes = await collect(this.#parsed(stream, checkOutcome));
      staged.push(outcomesBatch);
      return { outcomes, counts, need };
    } finally {
      await this.#drop(staged);
    }
  }

  async readBatch(id: string): Promise<readonly PushedRecord[]> {
    const stream = await startDownload(this.#pool, `/staging/${id}`, 0);
    return await collect(
      this.#parsed(stream, (line) => {
        const pushed = parseObject(line);
        checkRecord(pushed['record']);
        return pushed as unknown as PushedRecord;
      }),
    );
  }

  async changes(after: number): ReturnType<ReplicaClient['changes']> {
    const stream = await startDownload(this.#pool, `/changes/${after}`, 0);
    const lines = readLines(stream);
    try {
      const first = await lines.next();
      if (first.done === true) throw new WireError('no header');
      return {
        header: parseHeader(first.value),
        records: this.#eachLine<ReplicaRecord>(stream, lines, parseRecord),
      };
    } catch (error) {
      stream.destroy();
      throw this.#garbage(error);
    }
  }

  async readObject(sha256: string, offset: number): Promise<Readable> {
    return await startDownload(this.#pool, `/objects/${sha256}`, offset);
  }

  async cursor(request: Parameters<ReplicaClient['cursor']>[0]): Promise<CursorReply> {
    return await this.#site('CURSOR', request, (text) => replyWith<CursorReply>(text, { after: 'number' }));
  }

  async sweep(request: Parameters<ReplicaClient['sweep']>[0]): Promise<SweepCounter> {
    return await this.#site('SWEEP', request, (text) => replyWith<SweepCounter>(text, { request: 'number' }));
  }

  async wait(request: Parameters<ReplicaClient['wait']>[0], signal?: AbortSignal): Promise<SweepCounter> {
    const connection = await this.#pool.open();
    try {
      return await closedBy(signal, connection, async () => {
        const text = await connection.ask(siteLine('WAIT', request));
        return await this.#checked(connection, () => replyWith<SweepCounter>(text, { request: 'number' }));
      });
    } finally {
      this.#pool.leave(connection);
    }
  }

  async lock(name: 'sweep'): ReturnType<ReplicaClient['lock']> {
    const connection = await this.#pool.open();
    const release = async () => this.#pool.leave(connection);
    try {
      const text = await connection.ask(siteLine('LOCK', { name }));
      const { held } = await this.#checked(connection, () =>
        replyWith<{ held: boolean }>(text, { held: 'boolean' }),
      );
      if (held) return { release };
    } catch (error) {
      await release();
      throw error;
    }
    await release();
    return null;
  }

  async report(report: Parameters<ReplicaClient['report']>[0]): Promise<void> {
    await this.#site('REPORT', report, () => undefined);
  }

  async status(): Promise<StatusReply> {
    return await this.#site('STATUS', {}, (text) =>
      replyWith<StatusReply>(text, {
        hello: 'object',
        files: 'number',
        startedAt: 'number',
        version: 'string',
      }),
    );
  }

  close(): void {
    this.#pool.close();
  }

  async #site<T>(verb: string, request: object, parse: (text: string) => T): Promise<T> {
    return await this.#command(siteLine(verb, request), parse);
  }

  async #command<T>(line: string, parse: (text: string) => T): Promise<T> {
    return await this.#pool.use('command', async (connection) => {
      const text = await connection.ask(line);
      return await this.#checked(connection, () => parse(text));
    });
  }

  /** Garbage kills the connection: nothing that follows on it can be trusted to belong to what is asked. */
  async #checked<T>(connection: PeerConnection, parse: () => T): Promise<T> {
    try {
      return parse();
    } catch (error) {
      connection.close();
      throw this.#garbage(error);
    }
  }

  #garbage(error: unknown): Error {
    if (!(error instanceof WireError)) return peerError(error, this.endpoint, this.#options.credentials);
    const cause = new Error(`it answered garbage: ${error.message}`, { cause: error });
    return peerError(cause, this.endpoint, this.#options.credentials);
  }

  #parsed<T>(stream: Readable, parse: (line: string) => T): AsyncGenerator<T, void> {
    return this.#eachLine(stream, readLines(stream), parse);
  }

  async *#eachLine<T>(stream: Readable, lines: AsyncIterable<string>, parse: (line: string) => T) {
    try {
      for await (const line of lines) yield parse(line);
    } catch (error) {
      throw this.#garbage(error);
    } finally {
      stream.destroy();
    }
  }

  async #stage(bytes: Buffer, id = `up-${randomBytes(12).toString('hex')}`): Promise<string> {
    const upload = await this.openUpload(id, 0);
    try {
      upload.write(bytes);
      await upload.end();
    } catch (error) {
      upload.abort('it could not be sent');
      throw error;
    }
    return id;
  }

  /** What is left over goes after a day anyway. */
  async #drop(ids: readonly string[]): Promise<void> {
    await Promise.allSettled(ids.map((id) => this.dropStaging(id)));
  }
}

function siteLine(verb: string, request: object): string {
  const line = `SITE ${verb} ${encodeJson(request)}`;
  if (line.length > MAX_LINE_BYTES) throw new RangeError(`a ${verb} of ${line.length} bytes`);
  return line;
}

/** An aborted signal closes the connection and rejects with its reason. */
async function closedBy<T>(
  signal: AbortSignal | undefined,
  connection: PeerConnection,
  task: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return await task();
  signal.throwIfAborted();
  const onAbort = () => connection.close();
  signal.addEventListener('abort', onAbort);
  try {
    return await task();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
