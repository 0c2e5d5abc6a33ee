/** Members in this process: real stores and storage servers on loopback addresses, a replica set for each. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { AckMode, Endpoint } from '../../src/config/settings-api.ts';
import { openReplica } from '../../src/peers/ftp-replica.ts';
import type { ReplicaClient } from '../../src/peers/replica-client-api.ts';
import { openReplicaSet, type PeeredReplicaSet } from '../../src/peers/replica-set.ts';
import type { Outcome } from '../../src/peers/replica-set-api.ts';
import { credentialsFor, loadOrMakeNetworkKey, type NetworkKey } from '../../src/peers/trust.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import { type StorageServer, startStorageServer } from '../../src/storage/server/storage-server.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { type RoundOptions, sweepOnce } from '../../src/sweep/round.ts';
import { freePorts, Loopback } from '../network/loopback.ts';
import { Relay } from '../network/relay.ts';
import { listeningLogger } from '../storage/with-storage-server.ts';

const PASSIVE_PORTS = 40;

export interface LabOptions {
  readonly members: number;
  readonly ack?: AckMode;
  /** Everybody else reaches a member through its wire only. */
  readonly wires?: boolean;
  /** Its own proxy too. */
  readonly ownWires?: boolean;
  /** The clock of all stores. */
  readonly now?: () => number;
  /** Members, from the last one on, that neither run nor are listed at first. */
  readonly later?: number;
  /** Where a member's data goes instead of the lab's folder. */
  readonly folderOf?: (name: string) => string | null;
  /** Addresses that a member's list of peers has besides the others. */
  readonly listed?: (lab: Lab, member: LabMember) => readonly Endpoint[];
}

export class LabMember {
  readonly name: string;
  readonly id: string;
  readonly folder: string;
  readonly logged: string[] = [];
  readonly at: Endpoint;
  /** Where the others reach it. */
  readonly door: Endpoint;
  readonly wire: Relay | null;
  readonly #lab: Lab;
  replicas!: PeeredReplicaSet;
  client!: ReplicaClient;
  #store: Store | null = null;
  #server: StorageServer | null = null;
  #boots = 0;

  constructor(lab: Lab, name: string, at: Endpoint, wire: Relay | null, folder: string | null = null) {
    this.#lab = lab;
    this.name = name;
    this.id = `${name}-0000`;
    this.folder = folder ?? join(lab.folder, name);
    this.at = at;
    this.wire = wire;
    this.door = wire === null ? at : { host: wire.address, port: at.port };
  }

  get filesDir(): string {
    return join(this.folder, 'files');
  }

  get isUp(): boolean {
    return this.#server !== null;
  }

  async openClients(ack: AckMode, own: Endpoint): Promise<void> {
    const credentials = await credentialsFor(this.#lab.key, this.id);
    const logger = listeningLogger(this.logged);
    this.client = openReplica({ endpoint: own, credentials });
    const identity = { member: this.id, name: this.name };
    this.replicas = openReplicaSet({ local: this.client, ack, credentials, identity, logger });
  }

  async startStorage(): Promise<void> {
    this.#store = await openStore({
      filesDir: this.filesDir,
      stateDir: join(this.folder, 'state'),
      member: this.id,
      name: this.name,
      reserveBytes: 0,
      now: this.#lab.now,
      log: () => undefined,
    });
    this.#boots += 1;
    this.#server = await startStorageServer({
      store: this.#store,
      listen: this.at,
      passivePorts: { from: this.at.port + 1, to: this.at.port + PASSIVE_PORTS },
      credentials: await credentialsFor(this.#lab.key, this.id),
      member: this.id,
      boot: `${this.name}-boot-${this.#boots}`,
      version: '0.0.0',
      logger: listeningLogger(this.logged),
    });
  }

  async stopStorage(): Promise<void> {
    const [server, store] = [this.#server, this.#store];
    this.#server = null;
    this.#store = null;
    await server?.close();
    await store?.close();
  }

  async put(path: string, content: string | Buffer): Promise<Outcome> {
    const upload = await this.replicas.startUpload(path);
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; at += 65_536) await upload.write(bytes.subarray(at, at + 65_536));
    return await upload.finish();
  }

  async read(path: string, offset = 0): Promise<Buffer | null> {
    const entry = await this.replicas.lookup(path);
    if (entry === null) return null;
    const pieces: Buffer[] = [];
    for await (const piece of (await this.replicas.read(entry, offset)) as AsyncIterable<Buffer>)
      pieces.push(piece);
    return Buffer.concat(pieces);
  }

  /** What its own replica holds, others left out of it. */
  async records(): Promise<readonly ReplicaRecord[]> {
    const { records } = await this.client.changes(0);
    const all: ReplicaRecord[] = [];
    for await (const record of records) all.push(record);
    return all.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** One round, from the doors of all others. */
  async sweep(peers?: readonly ReplicaClient[], more: Partial<RoundOptions> = {}) {
    const credentials = await credentialsFor(this.#lab.key, this.id);
    const others = this.#lab.members.filter((member) => member !== this);
    const doors = peers ?? others.map(({ door }) => openReplica({ endpoint: door, credentials }));
    try {
      const { signal } = new AbortController();
      return await sweepOnce({ local: this.client, peers: doors, signal, now: Date.now, ...more });
    } finally {
      if (peers === undefined) for (const door of doors) door.close();
    }
  }

  stateOf(name: string): string | undefined {
    return this.replicas.members().find((member) => member.name === name)?.state;
  }
}

export class Lab {
  readonly folder: string;
  readonly key: NetworkKey;
  readonly members: LabMember[] = [];
  readonly now: () => number;

  constructor(folder: string, key: NetworkKey, now: () => number) {
    this.folder = folder;
    this.key = key;
    this.now = now;
  }

  member(name: string): LabMember {
    const found = this.members.find((member) => member.name === name);
    if (found === undefined) throw new Error(`no member ${name}`);
    return found;
  }

  /** What a gateway process does: each storage server hears of the others, and so can pass uploads on to them. */
  async introduce(): Promise<void> {
    await this.inStep();
    for (const { client, replicas } of this.members) {
      const proxy = { at: 0, sessions: 0, transfers: 0, listening: '', ack: '', members: replicas.members() };
      await client.report({ proxy });
    }
    // Anew: a peer in step is asked only every five seconds.
    for (const member of this.members) {
      member.replicas.setPeers([]);
      member.replicas.setPeers(this.members.filter((other) => other !== member).map(({ door }) => door));
    }
    await this.inStep();
  }

  /** Everybody sees everybody in step. */
  async inStep(): Promise<void> {
    await until(() =>
      this.members.every(({ replicas }) =>
        (replicas?.members() ?? []).every(({ state }) => state === 'in step'),
      ),
    );
  }
}

export async function until(condition: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`never became true: ${condition.toString()}`);
    await sleep(30);
  }
}

export async function withMembers(
  t: ExecutionContext,
  options: LabOptions,
  run: (lab: Lab) => Promise<void>,
): Promise<void> {
  t.timeout(120_000);
  const folder = await mkdtemp(join(tmpdir(), 'cloudroid-peers-'));
  const lab = new Lab(
    folder,
    await loadOrMakeNetworkKey(join(folder, 'network.key')),
    options.now ?? Date.now,
  );
  const loopback = new Loopback();
  try {
    for (let index = 0; index < options.members; index += 1) {
      const host = loopback.address(index + 1);
      const port = await freePorts(host, PASSIVE_PORTS + 1);
      const ports = Array.from({ length: PASSIVE_PORTS + 1 }, (_, n) => port + n);
      const wire =
        options.wires === true
          ? await Relay.open({ listen: loopback.address(index + 101), target: host, ports })
          : null;
      const name = 'abcdefghi'.charAt(index);
      const data = options.folderOf?.(name) ?? null;
      lab.members.push(new LabMember(lab, name, { host, port }, wire, data));
    }
    const early = lab.members.slice(0, lab.members.length - (options.later ?? 0));
    for (const member of early) {
      await member.startStorage();
      await member.openClients(
        options.ack ?? 'reachable',
        options.ownWires === true ? member.door : member.at,
      );
    }
    for (const member of early) {
      const others = early.filter((other) => other !== member).map(({ door }) => door);
      member.replicas.setPeers([...others, ...(options.listed?.(lab, member) ?? [])]);
    }
    await run(lab);
  } catch (error) {
    for (const { name, logged } of lab.members) t.log(name, ...logged.slice(-15));
    throw error;
  } finally {
    for (const member of lab.members) {
      await member.replicas?.close();
      member.client?.close();
    }
    for (const member of lab.members) await member.stopStorage();
    for (const { wire } of lab.members) await wire?.close();
    await rm(folder, { recursive: true, force: true });
  }
}
