/** Parts of uploads (protocol-parts.ts), as calls over the link to the own storage server. */
import type { PeerLink } from './peer-link.ts';
import type { StageReply } from './protocol.ts';
import type { AdoptRequest, FoundPart, KeepRequest, Part, PartCalls, PartOwner } from './protocol-parts.ts';
import { replyWith } from './reply-checks.ts';
import { WireError } from './wire.ts';

/** Gigabytes are flushed, or copied, in one command: short ones must not wait for that. */
const AT_LENGTH = { silenceMs: 60_000, purpose: 'arrival' } as const;
const PART = { id: 'string', size: 'number', sha256: 'string' } as const;

export class PartsClient implements PartCalls {
  readonly #link: PeerLink;

  constructor(link: PeerLink) {
    this.#link = link;
  }

  async keep(request: KeepRequest): Promise<Part> {
    const parse = (text: string) => replyWith<Part>(text, PART);
    return await this.#link.site('KEEP', request, parse, AT_LENGTH);
  }

  async find({ user, path }: PartOwner): Promise<FoundPart | null> {
    return await this.#link.site('PART', { user, path }, (text) => {
      const { part } = replyWith<{ part?: unknown }>(text, {});
      if (part === undefined) throw new WireError('neither part nor null');
      if (part === null) return null;
      return replyWith<FoundPart>(JSON.stringify(part), { ...PART, diskPath: 'string' });
    });
  }

  async adopt(request: AdoptRequest): Promise<StageReply> {
    const parse = (text: string) =>
      replyWith<StageReply>(text, { size: 'number', path: 'string', room: 'number' });
    return await this.#link.site('ADOPT-PART', request, parse, AT_LENGTH);
  }

  async drop({ user, path }: PartOwner): Promise<boolean> {
    const parse = (text: string) => replyWith<{ dropped: boolean }>(text, { dropped: 'boolean' });
    return (await this.#link.site('DROP-PART', { user, path }, parse)).dropped;
  }

  async keys(): Promise<readonly string[]> {
    const parse = (text: string) => replyWith<{ keys: readonly string[] }>(text, { keys: 'array' });
    return (await this.#link.site('PARTS', {}, parse)).keys;
  }
}
