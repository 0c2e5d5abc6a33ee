/** FTP clients that change and read files until they are told to stop, and keep the journal of what they were answered. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Member } from '../../test/network/member.ts';
import type { RawClient } from '../../test/proxy/raw-client.ts';
import { Random } from '../../test/simulation/random.ts';
import { type Change, holdersIn, type Journal, now, outcomeOf, type Verb } from './journal.ts';
import { provable, readProvable } from './provable.ts';

export interface Load {
  /** Clients for each member. */
  readonly clients: number;
  /** Names that everybody writes. */
  readonly contended: number;
  /** Names that one client each writes, in all. */
  readonly free: number;
  /** Between two operations of a client. */
  readonly pauseMs: number;
}

/** Nobody waits longer for an answer; what then was done is unknown. */
const PATIENCE_MS = 25_000;
const PLAIN_NAME = /^[a-z0-9-]+(\.(?:conflict|recovered)-\d{8}T\d{6}\.\d{3}Z(?:-[A-Za-z0-9-]+)?)*$/;

export class Client {
  readonly name: string;
  readonly #member: () => Member;
  readonly #journal: Journal;
  readonly #load: Load;
  readonly #random: Random;
  readonly #home: string;
  readonly #names: readonly string[];
  #session: RawClient | null = null;
  #via = '';
  #count = 0;
  #folders = 0;

  /** `member`: through whom the next session goes. */
  constructor(name: string, seed: number, names: number, load: Load, journal: Journal, member: () => Member) {
    this.name = name;
    this.#member = member;
    this.#journal = journal;
    this.#load = load;
    this.#random = new Random(seed);
    this.#home = `/free/${name}`;
    this.#names = Array.from({ length: names }, (_, index) => `${this.#home}/d${index % 5}-0/f${index}`);
  }

  /** Its own, in the order in which they can be made. */
  get folders(): readonly string[] {
    return [this.#home, ...new Set(this.#names.map((name) => name.slice(0, name.lastIndexOf('/'))))];
  }

  async work(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      try {
        await this.#step();
      } catch {
        // What was cut off stands in the journal; the next session begins anew.
        this.#session?.destroy();
        this.#session = null;
        await pause(100);
      }
      await pause(this.#random.next() * 2 * this.#load.pauseMs);
    }
    this.#session?.destroy();
  }

  async #step(): Promise<void> {
    const session = await this.#open();
    const kind = this.#random.weighted({
      STOR: 34,
      APPE: 12,
      DELE: 12,
      RENAME: 5,
      FOLDER: 5,
      RETR: 24,
      LIST: 8,
    });
    const contended = this.#random.chance(0.35);
    const path = contended
      ? `/contended/n${this.#random.below(this.#load.contended)}`
      : this.#random.pick(this.#names);
    switch (kind) {
      case 'STOR':
      case 'APPE':
        return await this.#write(session, kind, path);
      case 'DELE':
        return await this.#change('DELE', path, undefined, () => session.command(`DELE ${path}`));
      case 'RENAME':
        return await this.#rename(session, this.#random.pick(this.#names));
      case 'FOLDER':
        return await this.#folder(session);
      case 'RETR':
        return await this.#read(session, path);
      case 'LIST':
        return await this.#list(session, this.#random.pick(['/', '/contended', this.#home, '/free']));
    }
  }

  async #open(): Promise<RawClient> {
    if (this.#session !== null) return this.#session;
    const member = this.#member();
    this.#via = member.name;
    this.#session = await within(member.login(), null);
    return this.#session;
  }

  async #write(session: RawClient, verb: 'STOR' | 'APPE', path: string): Promise<void> {
    const size = this.#random.weighted({ small: 75, staged: 22, large: 3 });
    const length = 100 + this.#random.below({ small: 8_000, staged: 250_000, large: 3_000_000 }[size]);
    const bytes = provable(`${this.name}.${this.#count + 1}`, path, length);
    await this.#change(verb, path, undefined, () => session.upload(`${verb} ${path}`, bytes));
  }

  async #rename(session: RawClient, path: string): Promise<void> {
    // To a name of its own, so that what stands where afterwards is plain; now and then a whole folder.
    const folder = this.#random.chance(0.4);
    const from = folder ? path.slice(0, path.lastIndexOf('/')) : path;
    this.#folders += 1;
    const to = `${this.#home}/moved-${this.#folders}`;
    const first = await within(session.command(`RNFR ${from}`), session);
    if (first.code !== 350) return;
    await this.#change('RENAME', from, to, () => session.command(`RNTO ${to}`));
  }

  async #folder(session: RawClient): Promise<void> {
    const path = `${this.#home}/empty-${this.#random.below(4)}`;
    const verb = this.#random.pick(['MKD', 'RMD'] as const);
    await this.#change(verb, path, undefined, () => session.command(`${verb} ${path}`));
  }

  /** Does it and writes down what became of it, above all when no answer came. */
  async #change(
    verb: Verb,
    path: string,
    to: string | undefined,
    ask: () => Promise<{ readonly code: number; readonly text: string }>,
  ): Promise<void> {
    this.#count += 1;
    const begun = {
      ...{ id: `${this.name}.${this.#count}`, client: this.name, via: this.#via, verb, path },
      ...(to === undefined ? {} : { to }),
      startedAt: now(),
    };
    const done = (rest: Pick<Change, 'outcome' | 'answer'>): void => {
      const [holders, ofMembers, here] = holdersIn(rest.answer);
      this.#journal.changes.push({ ...begun, ...rest, endedAt: now(), holders, ofMembers, here });
    };
    let reply: { readonly code: number; readonly text: string };
    try {
      reply = await within(ask(), this.#session);
    } catch (error) {
      done({ outcome: 'unknown', answer: error instanceof Error ? error.message : String(error) });
      throw error;
    }
    done({ outcome: outcomeOf(reply.code), answer: reply.text });
    if (reply.code === 421) throw new Error(reply.text);
  }

  async #read(session: RawClient, path: string): Promise<void> {
    const { reply, bytes } = await within(session.download(`RETR ${path}`), session);
    if (reply.code !== 226) return;
    this.#journal.reads += 1;
    const blocks = readProvable(bytes);
    if (typeof blocks === 'string')
      this.#journal.seen.push(`RETR ${path} through ${this.#via} said 226, but ${blocks}`);
  }

  async #list(session: RawClient, folder: string): Promise<void> {
    const { reply, bytes } = await within(session.download(`NLST ${folder}`), session);
    if (reply.code !== 226) return;
    this.#journal.reads += 1;
    for (const line of bytes.toString('utf8').split('\r\n').filter(Boolean)) {
      const name = line.slice(line.lastIndexOf('/') + 1);
      if (!PLAIN_NAME.test(name))
        this.#journal.seen.push(`NLST ${folder} through ${this.#via} shows ${JSON.stringify(line)}`);
    }
  }
}

/** Gives up with an error, and with the session, when no answer comes. */
async function within<T>(asked: Promise<T>, session: RawClient | null): Promise<T> {
  const timer = Promise.withResolvers<never>();
  const clock = setTimeout(() => {
    session?.destroy();
    timer.reject(new Error(`no answer in ${PATIENCE_MS / 1000} s`));
  }, PATIENCE_MS);
  asked.catch(() => undefined);
  try {
    return await Promise.race([asked, timer.promise]);
  } finally {
    clearTimeout(clock);
  }
}

/** The folders that the clients use, before anything goes wrong. */
export async function prepare(member: Member, clients: readonly Client[]): Promise<void> {
  const session = await member.login();
  for (const folder of ['/contended', '/free', ...clients.flatMap(({ folders }) => folders)]) {
    const { code, text } = await session.command(`MKD ${folder}`);
    if (code !== 257) throw new Error(`MKD ${folder}: ${text}`);
  }
  session.destroy();
}
