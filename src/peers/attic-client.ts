/** The calls behind `cloudroid trash` and `cloudroid conflicts`: protocol-attic.ts over the link to the own member. */
import type { PeerLink } from './peer-link.ts';
import type {
  AtticCalls,
  ConflictEntry,
  EmptyReply,
  RestoreReply,
  TrashEntry,
  TrashReason,
  TrashRequest,
} from './protocol-attic.ts';
import { replyWith } from './reply-checks.ts';
import { WireError } from './wire.ts';

const reasons: { readonly [reason in TrashReason]: true } = {
  deleted: true,
  replaced: true,
  damaged: true,
  unknown: true,
};

/** A file of gigabytes is copied and hashed, or ten thousand files are removed, in one command. */
const LONG_SILENCE_MS = 60_000;

export class AtticClient implements AtticCalls {
  readonly #link: PeerLink;

  constructor(link: PeerLink) {
    this.#link = link;
  }

  async trash(): Promise<AsyncIterable<TrashEntry>> {
    return this.#link.lines(await this.#link.download('/trash'), parseTrash);
  }

  async restore(request: Extract<TrashRequest, { restore: string }>): Promise<RestoreReply> {
    const parse = (text: string) => replyWith<RestoreReply>(text, { path: 'string', size: 'number' });
    return await this.#link.site('TRASH', request, parse, { silenceMs: LONG_SILENCE_MS });
  }

  async emptyTrash(before?: number): Promise<EmptyReply> {
    const request: TrashRequest = { empty: true, ...(before !== undefined && { before }) };
    const parse = (text: string) => replyWith<EmptyReply>(text, { files: 'number', bytes: 'number' });
    return await this.#link.site('TRASH', request, parse, { silenceMs: LONG_SILENCE_MS });
  }

  async conflicts(): Promise<AsyncIterable<ConflictEntry>> {
    return this.#link.lines(await this.#link.download('/conflicts'), parseConflict);
  }
}

function parseTrash(line: string): TrashEntry {
  const entry = replyWith<TrashEntry>(line, {
    id: 'string',
    path: 'string',
    size: 'number',
    at: 'number',
    why: 'string',
  });
  if (!Object.hasOwn(reasons, entry.why)) throw new WireError('its why is no reason');
  return entry;
}

function parseConflict(line: string): ConflictEntry {
  return replyWith<ConflictEntry>(line, {
    path: 'string',
    original: 'string',
    originalKnown: 'boolean',
    kind: 'string',
    size: 'number',
    mtime: 'number',
    member: 'string',
  });
}
