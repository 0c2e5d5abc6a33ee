/** One member of a test's network: its folder, its processes, and what it says of itself. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askStatus } from '../../src/cli/running-member.ts';
import { loadSettings } from '../../src/config/settings.ts';
import type { Settings } from '../../src/config/settings-api.ts';
import type { StatusReply } from '../../src/peers/protocol-reports.ts';
import { RawClient } from '../proxy/raw-client.ts';
import { CloudroidProcess, type Ended } from './child.ts';
import { waitUntil } from './wait-until.ts';

export const CLIENT_PASSIVE_PORTS = 120;
export const STORAGE_PASSIVE_PORTS = 60;
/** Ports a member takes in a row: clients, members, passive for clients, passive for members, implicit TLS. */
export const PORTS_OF_A_MEMBER = 3 + CLIENT_PASSIVE_PORTS + STORAGE_PASSIVE_PORTS;

export type Role = 'ftp' | 'proxy' | 'sweep';
/** In this order: the proxy of a member that starts finds its storage server. */
export const roles: readonly Role[] = ['ftp', 'proxy', 'sweep'];

export interface MemberOptions {
  readonly name: string;
  readonly folder: string;
  readonly host: string;
  readonly firstPort: number;
  readonly keyFile: string;
  /** More options of the command line. */
  readonly options: readonly string[];
  readonly implicitTls?: boolean | undefined;
  /** The program's main file; default: the sources. */
  readonly main?: string | undefined;
  /** A program to run everything of this member in, a network namespace for example. */
  readonly prefix?: readonly string[] | undefined;
}

export class Member {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly storagePort: number;
  /** For `--tls-listen`; closed unless the test asks for it. */
  readonly tlsPort: number;
  readonly folder: string;
  readonly filesDir: string;
  readonly stateDir: string;
  readonly peersFile: string;
  readonly args: readonly string[];
  readonly storagePorts: readonly number[];
  readonly #main: string | undefined;
  readonly #prefix: readonly string[];
  /** `run`, or the three roles apart. */
  #processes = new Map<Role | 'run', CloudroidProcess>();
  #past: CloudroidProcess[] = [];

  constructor(options: MemberOptions) {
    const { name, folder, host, firstPort, keyFile } = options;
    this.name = name;
    this.#main = options.main;
    this.#prefix = options.prefix ?? [];
    this.host = host;
    this.folder = folder;
    this.port = firstPort;
    this.storagePort = firstPort + 1;
    this.filesDir = join(folder, 'data', 'files');
    this.stateDir = join(folder, 'data', 'state');
    this.peersFile = join(folder, 'PEERS.txt');
    const passive = firstPort + 2;
    const storagePassive = passive + CLIENT_PASSIVE_PORTS;
    const last = storagePassive + STORAGE_PASSIVE_PORTS - 1;
    this.tlsPort = last + 1;
    this.storagePorts = [
      this.storagePort,
      ...Array.from({ length: STORAGE_PASSIVE_PORTS }, (_, index) => storagePassive + index),
    ];
    mkdirSync(folder, { recursive: true });
    this.args = [
      ...[
        '--data',
        join(folder, 'data'),
        '--name',
        name,
        '--peers',
        this.peersFile,
        '--network-key',
        keyFile,
      ],
      ...['--listen', `${host}:${this.port}`, '--storage-listen', `${host}:${this.storagePort}`],
      ...['--passive-ports', `${passive}-${storagePassive - 1}`],
      ...['--storage-passive-ports', `${storagePassive}-${last}`],
      ...(options.implicitTls === true ? ['--tls-listen', `${host}:${this.tlsPort}`] : []),
      ...options.options,
    ];
  }

  get url(): string {
    return `ftp://guest:guest@${this.host}:${this.port}`;
  }

  writePeers(addresses: readonly string[]): void {
    writeFileSync(this.peersFile, addresses.map((address) => `${address}\n`).join(''));
  }

  /** `cloudroid run`: the supervisor and its three children. */
  async start(environment: { readonly [name: string]: string } = {}): Promise<void> {
    await this.#begin('run', environment);
  }

  /** One role as a process of its own. `prefix`: a program to run it in. */
  async startRole(
    role: Role,
    environment: { readonly [name: string]: string } = {},
    prefix: readonly string[] = [],
  ): Promise<void> {
    await this.#begin(role, environment, prefix);
  }

  async startApart(): Promise<void> {
    for (const role of roles) if (!this.runs(role)) await this.startRole(role);
  }

  async #begin(
    what: Role | 'run',
    environment: { readonly [name: string]: string },
    prefix: readonly string[] = [],
  ): Promise<void> {
    if (this.runs(what)) throw new Error(`${this.name}: ${what} runs already`);
    const started = new CloudroidProcess(
      [what, ...this.args],
      environment,
      [...this.#prefix, ...prefix],
      this.#main,
    );
    this.#processes.set(what, started);
    this.#past.push(started);
    await started.ready();
  }

  /** A command beside the running member: `sweep --once`, `trash list`; with this member's own options. */
  async command(words: readonly string[]): Promise<Ended> {
    return await new CloudroidProcess([...words, ...this.args], {}, this.#prefix, this.#main).ended;
  }

  runs(what: Role | 'run'): boolean {
    return this.#processes.get(what)?.running === true;
  }

  process(what: Role | 'run'): CloudroidProcess {
    const found = this.#processes.get(what);
    if (found === undefined) throw new Error(`${this.name}: ${what} was never started`);
    return found;
  }

  /** The id of a role's process under `run`. */
  childPid(role: Role): number {
    const supervisor = this.process('run').pid;
    const children = readdirSync(`/proc/${supervisor}/task`).flatMap((task) =>
      readFileSync(`/proc/${supervisor}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean),
    );
    const found = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`-${role}`));
    if (found === undefined) throw new Error(`${this.name}: no child process for ${role}`);
    return Number(found);
  }

  /** Orderly: as SIGTERM does. Proxy first, storage server last. */
  async stop(): Promise<Ended[]> {
    const ended: Ended[] = [];
    for (const what of ['run', 'proxy', 'sweep', 'ftp'] as const) {
      if (this.runs(what)) ended.push(await this.process(what).stop());
    }
    return ended;
  }

  async login(): Promise<RawClient> {
    return await RawClient.loggedIn(this.port, { host: this.host });
  }

  /** What `cloudroid status --json` prints, without starting a process each time. */
  async status(): Promise<StatusReply> {
    return await askStatus(this.settings());
  }

  /** As a command of this member gets them. */
  settings(): Settings {
    const options = Object.fromEntries(
      this.args.flatMap((word, index, all) =>
        word.startsWith('--') ? [[word.slice(2), all[index + 1] ?? '']] : [],
      ),
    );
    return loadSettings({ options, environment: {}, currentDir: this.folder });
  }

  /** Null when its proxy tells clients (NETS) of `count` members in step, itself included; else what it tells. */
  async seesInStep(count: number): Promise<string | null> {
    const client = await this.login();
    try {
      const { text } = await client.command('NETS');
      const inStep = text.match(/: in step$/gm)?.length ?? 0;
      return inStep === count ? null : `${this.name} sees ${inStep} of ${count} in step: ${text}`;
    } finally {
      client.destroy();
    }
  }

  /** Answers clients, and sees `count` members in step (itself included). */
  async ready(count: number, withinMs = 60_000): Promise<void> {
    await waitUntil(`${this.name} is in step with ${count} members`, () => this.seesInStep(count), {
      withinMs,
    });
  }

  log(): string {
    return this.#past
      .map(
        ({ args, output, running }) => `--- ${this.name} ${args[0]}${running ? '' : ' (ended)'}\n${output}`,
      )
      .join('\n');
  }
}
