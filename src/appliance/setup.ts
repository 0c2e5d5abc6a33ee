/**
 * `cloudroid setup`, at each start of the board before the services: what cloudroid.txt on the FAT partition says becomes
 * settings of the board. A value is taken over when it is another than the one taken over last, so that what somebody
 * changes on the board itself later stays; a line that is empty or not there says nothing. Each key stands for itself:
 * a wrong one is told in cloudroid-errors.txt, and the others count. The note of what was taken over is written last:
 * whatever a power cut interrupts is done again.
 */
import { chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { PeersEditRefused } from '../config/peers-edit.ts';
import { Unfit } from '../config/setting-checks.ts';
import { systemCodeOf } from '../system/exit-status.ts';
import { blanked, MAX_BOOT_FILE_BYTES, type Problem, parseBootFile, shown } from './boot-file.ts';
import { type BootKey, checkBootValue, isBootKey } from './boot-keys.ts';
import { type AcceptDisk, takeDataDisk } from './data-disk.ts';
import { tellProblems } from './errors-file.ts';
import type { Machine } from './machine.ts';
import { Places, paths } from './places.ts';
import { replaceFile } from './replace-file.ts';
import { nameUnnamed, takeHostname } from './take-hostname.ts';
import { hideNetworkKey, showNetworkKey, takeNetworkKey } from './take-network-key.ts';
import { takePeers } from './take-peers.ts';
import { takeSshKeys, takeTimeServers, takeTimezone } from './take-system.ts';
import { type DecodedText, decodeText } from './text-file.ts';

export interface SetupOptions {
  /** `/`, or the tree that is set up. */
  readonly root: string;
  /** Below it: /boot/cloudroid. */
  readonly bootFolder: string;
  readonly machine: Machine;
  readonly acceptDisk: AcceptDisk;
}

export interface SetupReport {
  /** Keys that were taken over now. */
  readonly taken: readonly BootKey[];
  readonly problems: readonly Problem[];
}

type Values = { readonly [key in BootKey]?: string };

const FILE = 'cloudroid.txt';
const TAKEN = `${paths.own}/taken.json`;

function readTaken(places: Places): Values {
  const text = places.read(TAKEN);
  if (text === null) return {};
  try {
    const content: unknown = JSON.parse(text);
    const pairs = Object.entries(typeof content === 'object' && content !== null ? content : {});
    return Object.fromEntries(pairs.filter(([key, value]) => isBootKey(key) && typeof value === 'string'));
  } catch {
    // Damaged: everything is taken over once more, which changes nothing that is as it says.
    return {};
  }
}

/** Null: no such file, or the partition is not mounted. */
function readBootFile(places: Places): DecodedText | null {
  const file = places.inBoot(FILE);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  if (stat.size > MAX_BOOT_FILE_BYTES) throw new Unfit(`a text file of at most ${MAX_BOOT_FILE_BYTES} bytes`);
  return decodeText(readFileSync(file));
}

class Setup {
  readonly places: Places;
  readonly problems: Problem[] = [];
  readonly taken: BootKey[] = [];
  readonly #options: SetupOptions;
  #before: Values;
  #file: DecodedText | null = null;
  #lines: readonly string[] = [];
  #given: ReturnType<typeof parseBootFile>['given'] = new Map();
  readonly #blank = new Set<BootKey>();

  constructor(options: SetupOptions) {
    this.#options = options;
    this.places = new Places(options.root, options.bootFolder);
    this.#before = readTaken(this.places);
  }

  async run(): Promise<void> {
    this.#read();
    const { places } = this;
    const { machine } = this.#options;
    await this.#step('hostname', async () => await nameUnnamed(places, machine));
    await this.#take('hostname', async (name) => await takeHostname(places, machine, name));
    await this.#take('timezone', (zone) => takeTimezone(places, zone));
    await this.#take('ntp', async (servers) => await takeTimeServers(places, machine, servers));
    await this.#take('ssh-key', (keys) => takeSshKeys(places, keys));
    await this.#take('peers', (list, before) => takePeers(places, list, before));
    await this.#take('guest', (wish) => this.#wishForGuest(wish));
    await this.#step('network-key', () => this.#networkKey());
    await this.#step('data-disk', async () => await this.#dataDisk());
    await this.#step(null, () => this.#blankOut());
    await this.#step(null, () => tellProblems(places.inBoot('cloudroid-errors.txt'), this.#sorted()));
  }

  #read(): void {
    try {
      this.#file = readBootFile(this.places);
    } catch (error) {
      this.#problem(null, error);
    }
    const text = this.#file?.text ?? '';
    this.#lines = text.split(/\r\n|\n|\r/);
    const { given, problems } = parseBootFile(text);
    this.problems.push(...problems);
    const fit = new Map(given);
    for (const [key, value] of given) {
      try {
        fit.set(key, { line: value.line, text: checkBootValue(key, value.text) });
      } catch (error) {
        fit.delete(key);
        this.#problem(key, error, value.line);
      }
    }
    this.#given = fit;
  }

  /** What goes wrong in one step hinders no other. */
  async #step(key: BootKey | null, work: () => void | Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#problem(key, error, key === null ? undefined : this.#given.get(key)?.line);
      return false;
    }
  }

  async #take(key: BootKey, take: (value: string, before: string) => void | Promise<void>): Promise<void> {
    const value = this.#given.get(key)?.text;
    const before = this.#before[key];
    if (value === undefined || value === before) return;
    if (await this.#step(key, async () => await take(value, before ?? ''))) this.#note(key, value);
  }

  #note(key: BootKey, value: string): void {
    this.taken.push(key);
    this.#before = { ...this.#before, [key]: value };
    replaceFile(this.places.at(TAKEN), `${JSON.stringify(this.#before)}\n`, { mode: 0o600 });
  }

  /** Accounts are made by the running member: cloudroid-accounts.service carries it out. */
  #wishForGuest(wish: string): void {
    const owner = this.places.serviceUser();
    if (!this.places.has(paths.state)) {
      mkdirSync(this.places.at(paths.state), { recursive: true, mode: 0o700 });
      if (owner !== null) chownSync(this.places.at(paths.state), owner.uid, owner.gid);
    }
    replaceFile(this.places.at(paths.guestWish), `${wish}\n`, { mode: 0o600, owner });
  }

  #networkKey(): void {
    const key = this.#given.get('network-key');
    if (key !== undefined) {
      if (takeNetworkKey(this.places, key.text, this.#given.get('replace-network-key')?.text === 'yes')) {
        this.taken.push('network-key');
        this.#blank.add('network-key').add('replace-network-key');
      } else {
        const expected =
          'replace-network-key = yes beside it, if this board is to leave the network it is in for the one with this key';
        this.problems.push({
          line: key.line,
          text: 'network-key is another one than this board has',
          expected,
        });
      }
    }
    if (this.#given.get('show-network-key')?.text === 'yes') {
      showNetworkKey(this.places);
      this.#blank.add('show-network-key');
    } else if (this.#file !== null) {
      hideNetworkKey(this.places);
    }
  }

  async #dataDisk(): Promise<void> {
    const { machine, acceptDisk } = this.#options;
    const wanted = this.#given.get('data-disk')?.text ?? this.#before['data-disk'] ?? 'auto';
    const accept = this.#given.get('accept-disk')?.text;
    const news = accept !== undefined && accept !== this.#before['accept-disk'];
    const refused = await takeDataDisk(
      this.places,
      machine,
      wanted,
      news ? (accept === 'files' ? 'files' : 'empty') : null,
      acceptDisk,
    );
    this.#giveStateAway();
    if (refused === null) {
      if (accept !== undefined) this.#blank.add('accept-disk');
      // Noted too, for a card that cannot be written; once blanked out it may be said again.
      if (accept !== this.#before['accept-disk']) this.#note('accept-disk', accept ?? '');
    }
    if (refused !== null) {
      const line = this.#given.get('data-disk')?.line ?? null;
      this.problems.push({ line, text: refused.what, expected: refused.expected });
    } else if (this.#given.has('data-disk') && wanted !== this.#before['data-disk']) {
      this.#note('data-disk', wanted);
    }
  }

  /** What root left in the folder of the services. */
  #giveStateAway(): void {
    const owner = this.places.serviceUser();
    for (const path of [paths.state, `${paths.state}/accept-disk`]) {
      if (owner !== null && this.places.has(path)) chownSync(this.places.at(path), owner.uid, owner.gid);
    }
  }

  /** The card goes from PC to PC, and its text into mails that ask for help. */
  #blankOut(): void {
    if (this.#file === null || this.#blank.size === 0) return;
    const { text, encode } = this.#file;
    replaceFile(this.places.inBoot(FILE), encode(blanked(text, [...this.#blank])), { mode: null });
  }

  #problem(key: BootKey | null, error: unknown, line?: number): void {
    const at = line ?? null;
    const text = at === null ? (key ?? FILE) : shown(this.#lines[at - 1] ?? '');
    if (error instanceof Unfit || error instanceof PeersEditRefused) {
      this.problems.push({ line: at, text, expected: error.message });
      return;
    }
    const why = error instanceof Error ? error.message : String(error);
    const code = systemCodeOf(error);
    const expected = `that the board can do it, which failed${code === null ? '' : ` (${code})`}: ${why}; it tries again at the next start`;
    this.problems.push({ line: at, text, expected });
  }

  #sorted(): readonly Problem[] {
    return [...this.problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  }
}

/** Rejects for nothing but a root that cannot be read: what goes wrong is among the problems. */
export async function setUp(options: SetupOptions): Promise<SetupReport> {
  const setup = new Setup(options);
  await setup.run();
  return { taken: setup.taken, problems: setup.problems };
}
