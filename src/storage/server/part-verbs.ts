/** SITE verbs for the parts of uploads that broke off (peers/protocol-parts.ts); for this member's own processes only. */
import type { PartOwner } from '../../peers/protocol-parts.ts';
import { count, type Fields, text, wrong } from './request-fields.ts';
import { type Handler, requireOwn } from './site-handler.ts';

const SHA256 = /^[0-9a-f]{64}$/;
const PART_ID = /^[0-9a-f]{24}$/;

export const partVerbs: { readonly [verb: string]: Handler } = {
  async KEEP(request, { store }, peer) {
    requireOwn(peer);
    const { over } = request;
    if (over !== null) checked(request, 'over', SHA256);
    const size = count(request, 'size');
    if (size === 0) throw wrong('size');
    return await store.parts.keep({
      ...ownerOf(request),
      staged: text(request, 'staged'),
      size,
      sha256: checked(request, 'sha256', SHA256),
      over: over as string | null,
      keepMs: count(request, 'keepMs'),
      ...(request['mostBytes'] !== undefined && { mostBytes: count(request, 'mostBytes') }),
    });
  },
  PART(request, { store }, peer) {
    requireOwn(peer);
    return { part: store.parts.find(ownerOf(request)) };
  },
  async 'ADOPT-PART'(request, { store }, peer) {
    requireOwn(peer);
    const part = checked(request, 'part', PART_ID);
    return await store.parts.adopt({ ...ownerOf(request), part, staged: text(request, 'staged') });
  },
  async 'DROP-PART'(request, { store }, peer) {
    requireOwn(peer);
    return { dropped: await store.parts.drop(ownerOf(request)) };
  },
  PARTS(_request, { store }, peer) {
    requireOwn(peer);
    return { keys: store.parts.keys() };
  },
};

function ownerOf(request: Fields): PartOwner {
  return { user: text(request, 'user'), path: text(request, 'path') };
}

function checked(request: Fields, field: string, pattern: RegExp): string {
  const value = text(request, field);
  if (!pattern.test(value)) throw wrong(field);
  return value;
}
