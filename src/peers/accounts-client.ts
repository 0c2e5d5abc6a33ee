/** What a gateway asks of a storage server about users: protocol-accounts.ts over the link to it. */
import { isAccountName } from '../replication/account-path.ts';
import type { PeerLink } from './peer-link.ts';
import type {
  AccountFile,
  AccountsCalls,
  AccountsReply,
  AccountsRequest,
  Usage,
} from './protocol-accounts.ts';
import { replyWith } from './reply-checks.ts';
import { WireError } from './wire.ts';

/** They may be changed between two parts of an answer. */
const TRIES = 5;

export class AccountsClient implements AccountsCalls {
  readonly #link: PeerLink;

  constructor(link: PeerLink) {
    this.#link = link;
  }

  async read(digest: string): Promise<AccountsReply> {
    for (let tries = 1; ; tries += 1) {
      const first = await this.#ask({ digest });
      const all = [...(first.accounts ?? [])];
      let last = first;
      while (last.more === true && last.digest === first.digest) {
        const after = last.accounts?.at(-1)?.name;
        if (after === undefined) throw this.#link.garbage(new WireError('more accounts behind none'));
        last = await this.#ask({ digest, after });
        all.push(...(last.accounts ?? []));
      }
      const { complete, accounts } = first;
      if (last.digest === first.digest)
        return { digest: first.digest, complete, accounts: accounts === null ? null : all };
      if (tries === TRIES) throw this.#link.garbage(new WireError('the accounts never stand still'));
    }
  }

  async usage(path: string): Promise<Usage> {
    const parse = (text: string) => replyWith<Usage>(text, { bytes: 'number', files: 'number' });
    return await this.#link.site('USAGE', { path }, parse);
  }

  async #ask(request: AccountsRequest): Promise<AccountsReply> {
    return await this.#link.site('ACCOUNTS', request, parseReply);
  }
}

function parseReply(text: string): AccountsReply {
  const reply = replyWith<AccountsReply>(text, { digest: 'string', complete: 'boolean' });
  const { accounts } = reply;
  if (accounts !== null && !(Array.isArray(accounts) && accounts.every(isAccountFile)))
    throw new WireError('its accounts are malformed');
  // Guests are let in where nobody has an account: that must not come of half an answer.
  if (reply.digest === '' && accounts !== null && accounts.length > 0)
    throw new WireError('accounts without a digest');
  return reply;
}

function isAccountFile(value: unknown): value is AccountFile {
  if (typeof value !== 'object' || value === null || !('name' in value) || !('text' in value)) return false;
  const { name, text } = value;
  return typeof name === 'string' && isAccountName(name) && typeof text === 'string';
}
