/** The calls of protocol-members.ts, over the link to the own storage server. */
import type { PeerLink } from './peer-link.ts';
import type {
  CollectReply,
  CollectRequest,
  MemberLists,
  MembersCalls,
  MembersRequest,
} from './protocol-members.ts';
import { replyWith } from './reply-checks.ts';

/** Some hundred thousand old tombstones, a transaction for each thousand. */
const LONG_SILENCE_MS = 60_000;

export class MembersClient implements MembersCalls {
  readonly #link: PeerLink;

  constructor(link: PeerLink) {
    this.#link = link;
  }

  async join(lists: MembersRequest): Promise<MemberLists> {
    return await this.#link.site('MEMBERS', lists, parseLists);
  }

  async retire(member: string): Promise<MemberLists> {
    return await this.#link.site('RETIRE', { member }, parseLists);
  }

  async collect(request: CollectRequest): Promise<CollectReply> {
    const parse = (text: string) =>
      replyWith<CollectReply>(text, { collected: 'number', due: 'boolean', waitsFor: 'array' });
    return await this.#link.site('COLLECT', request, parse, { silenceMs: LONG_SILENCE_MS });
  }
}

function parseLists(text: string): MemberLists {
  return replyWith<MemberLists>(text, { met: 'array', retired: 'array' });
}
