/**
 * Content by hash into this member's own staging, from whichever peer has it. What came before a connection broke stays
 * there (`sha-<hash>`) and the next attempt, also after a restart, goes on behind it. The storage server computes the
 * hash before anything is published, so a source is trusted for nothing.
 */
import { open } from 'node:fs/promises';
import type { MergeReply } from '../peers/protocol.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';

export type Wanted = MergeReply['need'][number];

export interface FetchContext {
  readonly local: ReplicaClient;
  /** In the order in which they are asked. */
  readonly sources: readonly ReplicaClient[];
  /** Where in `sources` to begin, for one content. */
  readonly firstSource: (wanted: Wanted) => number;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

const PARALLEL = 4;

/** Resolves with what no source had, and why (the last reason). Rejects when this member's own disk or server fails. */
export async function fetchAll(
  wanted: readonly Wanted[],
  context: FetchContext,
): Promise<{ readonly missing: readonly Wanted[]; readonly reason: unknown }> {
  const left = [...wanted];
  const missing: Wanted[] = [];
  let reason: unknown;
  const work = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const failure = await fetchOne(next, context);
      if (failure === null) continue;
      missing.push(next);
      reason = failure.reason;
    }
  };
  // All, also when one fails: nobody writes to staging any more when this rejects.
  const ended = await Promise.allSettled(Array.from({ length: Math.min(PARALLEL, left.length) }, work));
  const failed = ended.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return { missing, reason };
}

/** Null: it is all here. */
async function fetchOne(wanted: Wanted, context: FetchContext): Promise<{ reason: unknown } | null> {
  let reason: unknown = new Error('no peer to ask');
  const { sources } = context;
  const first = context.firstSource(wanted) % Math.max(1, sources.length);
  for (const source of [...sources.slice(first), ...sources.slice(0, first)]) {
    context.signal.throwIfAborted();
    const staged = await stagedFor(wanted, context.local);
    if (staged.size === wanted.size) return null;
    try {
      await append(staged, wanted, source, context);
      return null;
    } catch (error) {
      if (error instanceof OwnDiskFailed) throw error;
      reason = error;
    }
  }
  context.signal.throwIfAborted();
  return { reason };
}

interface Staged {
  readonly path: string;
  readonly size: number;
}

async function stagedFor({ sha256, size }: Wanted, local: ReplicaClient): Promise<Staged> {
  const id = `sha-${sha256}`;
  let staged = await local.stage({ id });
  if (staged.size > size) {
    await local.dropStaging(id);
    staged = await local.stage({ id });
  }
  if (staged.path === undefined) throw new Error('the storage server is not on this machine');
  return { path: staged.path, size: staged.size };
}

export class OwnDiskFailed extends Error {
  override readonly name = 'OwnDiskFailed';
}

async function append(
  { path, size }: Staged,
  wanted: Wanted,
  source: ReplicaClient,
  { signal, onBytes }: FetchContext,
): Promise<void> {
  const stream = await source.readObject(wanted.sha256, size);
  let at = size;
  const file = await open(path, 'r+').catch((error: unknown) => {
    stream.destroy();
    throw new OwnDiskFailed(`cannot write to staging: ${messageOf(error)}`, { cause: error });
  });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      if (at + chunk.length > wanted.size) throw new Error('the peer sent more than the file has');
      await writeAll(file, chunk, at);
      at += chunk.length;
      onBytes(chunk.length);
    }
  } finally {
    await file.close();
  }
  if (at !== wanted.size) throw new Error(`the peer sent ${at} of ${wanted.size} bytes`);
}

async function writeAll(
  file: Awaited<ReturnType<typeof open>>,
  chunk: Buffer,
  position: number,
): Promise<void> {
  try {
    for (let done = 0; done < chunk.length; ) {
      done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
    }
  } catch (error) {
    throw new OwnDiskFailed(`cannot write to staging: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
