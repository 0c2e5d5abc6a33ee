/** Requests that would not fit on a command line: what is long in them travels as staged files instead. */
import type { CommitRequest, Content, MergeRequest } from './protocol.ts';
import { INLINE_RECORDS_BYTES, MAX_LINE_BYTES } from './protocol.ts';
import { toNdjson } from './wire.ts';

/** Puts bytes into the peer's staging and returns their id there. */
type Stage = (bytes: Buffer, id?: string) => Promise<string>;

interface Fitting<Request> {
  readonly request: Request;
  /** Staging ids to drop when the request is done. */
  readonly staged: string[];
}

/** Of the JSON: base64url makes 4 bytes of 3; the verb and some reserve. */
const MAX_JSON_BYTES = Math.floor(((MAX_LINE_BYTES - 256) * 3) / 4);

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

export async function fitCommit(request: CommitRequest, stage: Stage): Promise<Fitting<CommitRequest>> {
  const inline = request.content?.inline;
  if (inline === undefined || bytesOf(request) <= MAX_JSON_BYTES) return { request, staged: [] };
  const id = await stage(Buffer.from(inline, 'base64'));
  return { request: { ...request, content: { staged: id } }, staged: [id] };
}

export async function fitMerge(request: MergeRequest, stage: Stage): Promise<Fitting<MergeRequest>> {
  const staged: string[] = [];
  let fitting = request;
  const { records, content } = request;
  if (records !== undefined && bytesOf(records) > INLINE_RECORDS_BYTES) {
    const id = await stage(Buffer.concat([...toNdjson(records)]));
    staged.push(id);
    const { records: _long, ...rest } = request;
    fitting = { ...rest, batch: id };
  }
  if (content !== undefined && bytesOf(fitting) > MAX_JSON_BYTES) {
    const { content: _long, ...rest } = fitting;
    fitting = { ...rest, content: await stageContents(content, stage) };
  }
  return { request: fitting, staged };
}

/** Inline contents become staged files under their hash, where a merge finds them without being told. */
async function stageContents(
  content: { readonly [sha256: string]: Content },
  stage: Stage,
): Promise<{ [sha256: string]: Content }> {
  const left: { [sha256: string]: Content } = {};
  for (const [sha256, each] of Object.entries(content)) {
    if (each.inline === undefined) left[sha256] = each;
    else await stage(Buffer.from(each.inline, 'base64'), `sha-${sha256}`);
  }
  return left;
}
