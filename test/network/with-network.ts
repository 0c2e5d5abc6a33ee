/** A network of real members for one test: started, handed over, stopped and removed, also when the test fails. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { freePorts, Loopback } from './loopback.ts';
import { Member, PORTS_OF_A_MEMBER } from './member.ts';
import { Relay } from './relay.ts';

export interface NetworkOptions {
  readonly members: number;
  /** Every link goes through a relay of its own, which the test may cut or slow down. */
  readonly wires?: boolean;
  /** Each role a process of its own, so that one can be killed; else `run`. */
  readonly apart?: boolean;
  /** Do not start anything. */
  readonly idle?: boolean;
  /** More command line options for all. */
  readonly options?: readonly string[];
  /** Each member has a port for implicit TLS too. */
  readonly implicitTls?: boolean;
  /** The compiled program's main file instead of the sources. */
  readonly main?: string;
  /** Where the member's data goes instead of the test's folder. */
  readonly folderOf?: (name: string) => string | undefined;
  /** Where the members live instead of 127.x.y.z: addresses in network namespaces, with the program that enters them. */
  readonly places?: readonly Place[] | undefined;
}

export interface Place {
  readonly host: string;
  readonly firstPort: number;
  readonly prefix: readonly string[];
}

const LOG_SHOWN = 12_000;
/** For a test as a whole; what it waits for has its own, shorter limits. */
const TEST_TIMEOUT_MS = 240_000;

export class Network {
  readonly folder: string;
  readonly members: readonly Member[];
  readonly #loopback: Loopback;
  readonly #relays = new Map<string, Relay>();
  readonly #apart: boolean;

  private constructor(folder: string, loopback: Loopback, members: readonly Member[], apart: boolean) {
    this.folder = folder;
    this.members = members;
    this.#loopback = loopback;
    this.#apart = apart;
  }

  static async make(folder: string, options: NetworkOptions): Promise<Network> {
    const loopback = new Loopback();
    const members: Member[] = [];
    for (let index = 0; index < options.members; index += 1) {
      const name = 'abcdefghi'.charAt(index);
      const place = options.places?.[index];
      const host = place?.host ?? loopback.address(index + 1);
      members.push(
        new Member({
          name,
          host,
          folder: options.folderOf?.(name) ?? join(folder, name),
          firstPort: place?.firstPort ?? (await freePorts(host, PORTS_OF_A_MEMBER)),
          keyFile: join(folder, 'network.key'),
          options: options.options ?? [],
          implicitTls: options.implicitTls,
          main: options.main,
          prefix: place?.prefix,
        }),
      );
    }
    const network = new Network(folder, loopback, members, options.apart === true);
    if (options.wires === true) await network.#layWires();
    for (const member of members) network.#introduce(member);
    return network;
  }

  /** The member of that name; the first is `a`. */
  member(name: string): Member {
    const found = this.members.find((member) => member.name === name);
    if (found === undefined) throw new Error(`no member ${name}`);
    return found;
  }

  /** The wire that `from` uses towards `to`. */
  wire(from: string, to: string): Relay {
    const relay = this.#relays.get(`${from}>${to}`);
    if (relay === undefined) throw new Error(`no wire from ${from} to ${to}`);
    return relay;
  }

  /** All wires that touch the member. */
  wiresOf(name: string): readonly Relay[] {
    return [...this.#relays].filter(([link]) => link.split('>').includes(name)).map(([, relay]) => relay);
  }

  addressOf(to: Member, from: Member): string {
    const host = this.#relays.get(`${from.name}>${to.name}`)?.address ?? to.host;
    return `${host}:${to.storagePort}`;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.members.map((member) => this.start(member)));
    await this.allInStep();
  }

  async start(member: Member): Promise<void> {
    if (this.#apart) await member.startApart();
    else await member.start();
  }

  async allInStep(): Promise<void> {
    await Promise.all(this.members.map((member) => member.ready(this.members.length)));
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    for (const relay of this.#relays.values()) await relay.close();
  }

  log(): string {
    return this.members.map((member) => member.log().slice(-LOG_SHOWN)).join('\n');
  }

  #introduce(member: Member): void {
    const others = this.members.filter((other) => other !== member);
    member.writePeers(others.map((other) => this.addressOf(other, member)));
  }

  async #layWires(): Promise<void> {
    const count = this.members.length;
    for (const [i, from] of this.members.entries()) {
      for (const [j, to] of this.members.entries()) {
        if (from === to) continue;
        const listen = this.#loopback.address(100 + i * count + j);
        const relay = await Relay.open({ listen, target: to.host, ports: to.storagePorts });
        this.#relays.set(`${from.name}>${to.name}`, relay);
      }
    }
  }
}

/** A network for a whole file of tests (`test.before`); `close` stops and removes everything. */
export async function openNetwork(options: NetworkOptions): Promise<Network & AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-network-'));
  const network = await Network.make(folder, options);
  const close = async (): Promise<void> => {
    await network.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    if (options.idle !== true) await network.startAll();
  } catch (error) {
    console.error(network.log());
    await close();
    throw error;
  }
  return Object.assign(network, { [Symbol.asyncDispose]: close });
}

/**
 * A network for one test, its members in step. Everything is stopped and removed in the test's teardown, so that a test
 * that ran out of time leaves nothing either; the logs are printed when it failed.
 */
export async function withNetwork(
  t: ExecutionContext,
  options: NetworkOptions,
  body: (network: Network) => Promise<void>,
): Promise<void> {
  t.timeout(TEST_TIMEOUT_MS);
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-network-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const network = await Network.make(folder, options);
  // Teardowns run last to first: this one before the folder goes.
  t.teardown(async () => {
    if (!t.passed) console.error(`\nlogs of "${t.title}"\n${network.log()}`);
    await network.close();
  });
  if (options.idle !== true) await network.startAll();
  await body(network);
}
