/**
 * What gateways ask for (peers/protocol-accounts.ts): the accounts with what is in their files, and what a directory takes
 * up. Kept in memory and made anew when an account has changed; a text that was right once is not read again.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { AccountFile, AccountsReply, AccountsRequest, Usage } from '../peers/protocol-accounts.ts';
import { ACCOUNT_LIMIT_BYTES, accountNameOf } from '../replication/account-path.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { StoredRecord } from './catalog/record-row.ts';
import type { Volume } from './disk/volume.ts';

/** Of one reply, as JSON; the longest line a client takes is twice that. */
const PAGE_CHARACTERS = 512 * 1024;
const MAX_TOLD = 1000;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface AccountsParts {
  readonly catalog: Catalog;
  readonly volume: Volume;
  /** The bytes of an account are not what its record says: somebody should look. */
  readonly suspect: (path: string) => void;
}

interface Known {
  /** CatalogState.accounts. */
  readonly version: number;
  readonly digest: string;
  readonly files: readonly AccountFile[];
  /** Every text is there. */
  readonly whole: boolean;
}

export class AccountsOfStore {
  readonly #parts: AccountsParts;
  #known: Known | undefined;
  #making: Promise<Known> | undefined;
  /** By name; the text of that hash. */
  #texts = new Map<string, { readonly sha256: string; readonly text: string }>();

  /** Hashes of lost texts that somebody was asked to look after: once, for gateways ask all the time. */
  readonly #told = new Set<string>();

  constructor(parts: AccountsParts) {
    this.#parts = parts;
  }

  async read({ digest, after = '' }: AccountsRequest): Promise<AccountsReply> {
    const { catalog } = this.#parts;
    const known = await this.#current();
    // A catalog without an identity, or one that is being rebuilt, has not got its accounts yet.
    const { store, joining } = catalog.committed;
    const complete = store !== '' && joining === '';
    if (known.digest === digest && after === '') return { digest, complete, accounts: null };
    const rest = known.files.filter(({ name }) => name > after);
    const page: AccountFile[] = [];
    let characters = 0;
    for (const file of rest) {
      characters += JSON.stringify(file).length;
      if (page.length > 0 && characters > PAGE_CHARACTERS) break;
      page.push(file);
    }
    const more = page.length < rest.length;
    return { digest: known.digest, complete, accounts: page, ...(more && { more }) };
  }

  async usage(dir: string): Promise<Usage> {
    return await this.#parts.catalog.usage.of(dir);
  }

  async #current(): Promise<Known> {
    const { catalog } = this.#parts;
    for (;;) {
      const { accounts: version } = catalog.committed;
      // One whose bytes were lacking is looked for again: a repair needs no new record.
      if (this.#known?.version === version && this.#known.whole) return this.#known;
      this.#making ??= this.#make(version).finally(() => {
        this.#making = undefined;
      });
      const made = await this.#making;
      if (made.version === catalog.committed.accounts) return made;
    }
  }

  async #make(version: number): Promise<Known> {
    const { catalog } = this.#parts;
    const stored = catalog.reader.accounts();
    const hash = createHash('sha256');
    const files: AccountFile[] = [];
    const texts = new Map<string, { sha256: string; text: string }>();
    let whole = true;
    for (const each of stored) {
      const name = accountNameOf(each.record.path);
      if (name === null) continue;
      if (each.record.kind !== 'file') {
        hash.update(`${name} removed\n`);
        continue;
      }
      const { sha256 } = each.record;
      const before = this.#texts.get(name);
      const text = before?.sha256 === sha256 ? before.text : await this.#readText(each);
      if (text === null) whole = false;
      else texts.set(name, { sha256, text });
      hash.update(`${name} ${text === null ? 'lacking' : sha256}\n`);
      files.push({ name, text: text ?? '' });
    }
    this.#texts = texts;
    const digest = stored.length === 0 ? '' : hash.digest('hex');
    // By code units, as the pages are cut.
    files.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#known = { version, digest, files, whole };
    return this.#known;
  }

  /** Null: the bytes of its record are not there. */
  async #readText({ record, local }: StoredRecord): Promise<string | null> {
    const { volume, suspect } = this.#parts;
    if (local === undefined) return null;
    try {
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const handle = await open(volume.diskPath(local.place), flags);
      try {
        const found = await handle.stat();
        if (!found.isFile() || found.size > ACCOUNT_LIMIT_BYTES) throw new Error('not an account');
        const bytes = await handle.readFile();
        if (createHash('sha256').update(bytes).digest('hex') === record.sha256) return utf8.decode(bytes);
      } finally {
        await handle.close();
      }
    } catch {
      // Lost, unreadable or not text: nobody logs in with it until it is repaired or set anew.
    }
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    if (!this.#told.has(record.sha256)) suspect(record.path);
    this.#told.add(record.sha256);
    return null;
  }
}
