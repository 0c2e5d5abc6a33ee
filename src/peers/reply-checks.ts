/** Whether a peer's replies are what the protocol says; garbage is a WireError, never a wrong value passed on. */

import type { PushedRecord } from '../replication/operation.ts';
import type { MergeOutcome } from '../replication/plan.ts';
import type { RecordKind, ReplicaRecord } from '../replication/record.ts';
import type { ChangesHeader, Entry, Hello, MergeReply, RecordReply } from './protocol.ts';
import type { ArrivedReply } from './protocol-chain.ts';
import { parseJson, parseObject, WireError } from './wire.ts';

type Type = 'string' | 'number' | 'boolean' | 'object' | 'array';
type Fields = { readonly [field: string]: unknown };

const outcomes: { readonly [outcome in MergeOutcome]: true } = {
  applied: true,
  known: true,
  superseded: true,
  conflict: true,
  'send-content': true,
  behind: true,
  deferred: true,
};
const kinds: { readonly [kind in RecordKind]: true } = { directory: true, file: true, tombstone: true };

/** The text as a JSON object with at least these fields of these types. */
export function replyWith<Reply>(text: string, fields: { readonly [field in keyof Reply]?: Type }): Reply {
  return withFields(parseObject(text), fields) as unknown as Reply;
}

function withFields(value: Fields, fields: { readonly [field: string]: Type | undefined }): Fields {
  for (const [field, type] of Object.entries(fields)) {
    const found = value[field];
    const is = Array.isArray(found) ? 'array' : found === null ? 'null' : typeof found;
    if (is !== type) throw new WireError(`its ${field} is no ${type}`);
  }
  return value;
}

export function parseHello(text: string): Hello {
  const hello = replyWith<Hello>(text, {
    protocol: 'number',
    member: 'string',
    name: 'string',
    store: 'string',
    incarnation: 'string',
    boot: 'string',
    knowledge: 'object',
    members: 'array',
    retired: 'array',
    joining: 'boolean',
    tree: 'string',
    freeBytes: 'number',
    now: 'number',
    changes: 'number',
  });
  if (hello.passesTo !== undefined && !Array.isArray(hello.passesTo))
    throw new WireError('its passesTo is no array');
  return hello;
}

export function parseArrived(text: string): ArrivedReply {
  const reply = replyWith<ArrivedReply>(text, { size: 'number', receiving: 'boolean' });
  if (reply.lost !== undefined && !Array.isArray(reply.lost)) throw new WireError('its lost is no array');
  return reply;
}

export function parseRecordReply(text: string): RecordReply {
  const reply = replyWith<RecordReply>(text, {});
  if (reply.entry === undefined || reply.record === undefined) throw new WireError('neither entry nor null');
  if (reply.entry !== null) checkEntry(reply.entry);
  if (reply.record !== null) checkRecord(reply.record);
  if (reply.folder !== undefined && reply.folder !== null) checkEntry(reply.folder);
  return reply;
}

export function parseMergeReply(text: string): MergeReply {
  const reply = replyWith<MergeReply>(text, { counts: 'object', need: 'array' });
  if (reply.outcomes === undefined && typeof reply.outcomesBatch !== 'string')
    throw new WireError('no outcomes');
  for (const outcome of reply.outcomes ?? []) checkOutcome(outcome);
  for (const { sha256, size } of reply.need) {
    if (typeof sha256 !== 'string' || !Number.isSafeInteger(size)) throw new WireError('a need is malformed');
  }
  return reply;
}

export function parsePushed(line: string): PushedRecord {
  const pushed = parseObject(line);
  checkRecord(pushed['record']);
  return pushed as unknown as PushedRecord;
}

export function parseHeader(line: string): ChangesHeader {
  return replyWith<ChangesHeader>(line, {
    store: 'string',
    incarnation: 'string',
    knowledge: 'object',
    collectedStamp: 'number',
    upTo: 'number',
    count: 'number',
  });
}

export function parseEntry(line: string): Entry {
  const entry = replyWith<Entry>(line, { path: 'string', size: 'number', sha256: 'string', mtime: 'number' });
  return checkEntry(entry);
}

function checkEntry(entry: Entry): Entry {
  if (!entry.path.startsWith('/') || (entry.kind !== 'file' && entry.kind !== 'directory')) {
    throw new WireError('no entry of a listing');
  }
  if (entry.record !== undefined) checkRecord(entry.record);
  return entry;
}

export function parseRecord(line: string): ReplicaRecord {
  return checkRecord(parseJson(line));
}

function checkRecord(value: unknown): ReplicaRecord {
  if (typeof value !== 'object' || value === null) throw new WireError('no record');
  const record = withFields(value as Fields, {
    path: 'string',
    kind: 'string',
    size: 'number',
    sha256: 'string',
    mtime: 'number',
    dot: 'array',
    stamp: 'number',
    context: 'object',
    kept: 'array',
  }) as unknown as ReplicaRecord;
  if (!record.path.startsWith('/') || !Object.hasOwn(kinds, record.kind)) throw new WireError('no record');
  const [actor, seq] = record.dot;
  if (typeof actor !== 'string' || !Number.isSafeInteger(seq)) throw new WireError('a dot is malformed');
  return record;
}

export function checkOutcome(value: unknown): MergeOutcome {
  if (typeof value !== 'string' || !Object.hasOwn(outcomes, value))
    throw new WireError('no outcome of a merge');
  return value as MergeOutcome;
}
