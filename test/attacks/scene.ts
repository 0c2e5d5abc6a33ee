/** Two real members to be attacked, something on them that nobody may touch, and what must be so when the attack is over. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { becomeIdentical, diskAgainstCatalog } from '../network/compare.ts';
import type { Member, Role } from '../network/member.ts';
import { waitUntil } from '../network/wait-until.ts';
import { type Network, openNetwork } from '../network/with-network.ts';
import { Inspector } from './inspector.ts';

export interface SceneOptions {
  readonly members?: number;
  readonly options?: readonly string[];
  /** Each member has a port for implicit TLS too. */
  readonly implicitTls?: boolean;
  /** Asks the proxies for their memory: `proxyOf(..).memory()`. */
  readonly inspected?: boolean;
}

const CANARY = '/canary.txt';
/** Words in the log that no client may cause. */
const FORBIDDEN_LINES =
  /^\S+ \S+ error |nobody foresaw|defect|started again|TypeError|ReferenceError|unhandled|uncaught/i;

/**
 * Open descriptors of a process, but for its connections to these ports and those to its own storage server, which are the Unix
 * sockets that it has (the pools between members close them in their own time).
 */
export function openOnes(pid: number, poolPorts: ReadonlySet<number>): string[] {
  const sockets = new Map<string, string | null>();
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)) {
    const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/ +/);
    const isPooled = poolPorts.has(portOf(remote));
    sockets.set(
      `socket:[${inode}]`,
      isPooled ? null : `socket ${portOf(local)}>${portOf(remote)} state ${state}`,
    );
  }
  for (const line of readFileSync(`/proc/${pid}/net/unix`, 'utf8').split('\n').slice(1)) {
    sockets.set(`socket:[${line.trim().split(/ +/)[6]}]`, null);
  }
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    const target = targetOf(join(folder, fd));
    const socket = sockets.get(target);
    return socket === null ? [] : [socket ?? target];
  });
}

function portOf(endpoint: string): number {
  return Number.parseInt(endpoint.split(':')[1] ?? '', 16);
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return ''; // closed since it was listed
  }
}

export function residentKilobytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

export class Scene {
  readonly network: Network & AsyncDisposable;
  readonly a: Member;
  readonly canary: Buffer;
  /** A file beside the volume, that FTP must not reach. */
  readonly secret: string;
  readonly secretFile: string;
  readonly #inspectors = new Map<Member, Inspector>();
  readonly #pids: ReadonlyMap<Member, readonly number[]>;

  private constructor(network: Network & AsyncDisposable, canary: Buffer, secret: string) {
    this.network = network;
    this.a = network.member('a');
    this.canary = canary;
    this.secret = secret;
    this.secretFile = join(this.a.folder, 'data', 'outside', 'secret.txt');
    this.#pids = new Map(network.members.map((member) => [member, this.#pidsOf(member)]));
  }

  static async open(options: SceneOptions = {}): Promise<Scene> {
    const network = await openNetwork({
      members: options.members ?? 2,
      options: options.options ?? [],
      implicitTls: options.implicitTls === true,
      idle: true,
    });
    const environment = options.inspected === true ? Inspector.environment() : {};
    await Promise.all(network.members.map((member) => member.start(environment)));
    await network.allInStep();
    const scene = new Scene(network, randomBytes(5000), `secret ${randomBytes(16).toString('hex')}`);
    mkdirSync(join(scene.secretFile, '..'), { recursive: true });
    writeFileSync(scene.secretFile, scene.secret);
    const client = await scene.a.login();
    const { code, text } = await client.upload(`STOR ${CANARY}`, scene.canary);
    if (code !== 226) throw new Error(text);
    client.destroy();
    return scene;
  }

  pid(role: Role, member = this.a): number {
    return member.childPid(role);
  }

  /** Bytes in use after a collection, in the heap and outside, and what the process takes. */
  async inspector(member = this.a): Promise<Inspector> {
    const known = this.#inspectors.get(member);
    if (known !== undefined) return known;
    const opened = await Inspector.attach(member.childPid('proxy'), () => member.process('run').output);
    this.#inspectors.set(member, opened);
    return opened;
  }

  /** Sessions that the proxy of the member counts, all of them other than the one that asks. */
  async sessions(member = this.a): Promise<number> {
    const status = await member.status();
    return status.proxy?.sessions ?? -1;
  }

  async assertUnharmed(t: ExecutionContext): Promise<void> {
    t.deepEqual(await this.harm(), []);
  }

  /**
   * The members serve, are the same, run in the processes they were started in, and nobody touched the canary; nothing in the
   * logs that a client must not cause. Else a sentence for each thing that is wrong.
   */
  async harm(): Promise<string[]> {
    const wrong: string[] = [];
    const { members } = this.network;
    await becomeIdentical(members, 60_000).catch((error: unknown) => wrong.push(String(error)));
    for (const member of members) {
      const differs = await diskAgainstCatalog(member);
      if (differs !== null) wrong.push(`${member.name}: ${differs}`);
      const client = await member.login();
      const { reply, bytes } = await client.download(`RETR ${CANARY}`);
      if (!bytes.equals(this.canary)) wrong.push(`the canary through ${member.name}: ${reply.text}`);
      client.destroy();
      const onDisk = readFileSync(join(member.filesDir, CANARY));
      if (!onDisk.equals(this.canary)) wrong.push(`the canary on the disk of ${member.name} was changed`);
      if (String(this.#pidsOf(member)) !== String(this.#pids.get(member)))
        wrong.push(`${member.name}: a process was started again`);
      wrong.push(
        ...member
          .log()
          .split('\n')
          .filter((line) => FORBIDDEN_LINES.test(line)),
      );
    }
    if (readFileSync(this.secretFile, 'utf8') !== this.secret)
      wrong.push('the file beside the volume was changed');
    const beside = readdirSync(join(this.secretFile, '..'));
    if (String(beside) !== 'secret.txt') wrong.push(`beside the volume: ${beside}`);
    return wrong;
  }

  /** Of the proxy: what clients make it open. */
  descriptors(member = this.a): number {
    return this.#openOnes(member).length;
  }

  #openOnes(member: Member): string[] {
    const pool = new Set(this.network.members.flatMap(({ storagePorts }) => storagePorts));
    return openOnes(this.pid('proxy', member), pool);
  }

  /** No session, no data connection and no listener is left: as many descriptors as before. */
  async settled(before: number, member = this.a): Promise<void> {
    await waitUntil(
      `the proxy has its ${before} descriptors again`,
      () => {
        const now = this.#openOnes(member);
        return now.length <= before ? null : `${now.length} now: ${now.join(', ')}`;
      },
      { withinMs: 90_000 },
    );
  }

  async close(): Promise<void> {
    for (const inspector of this.#inspectors.values()) inspector.close();
    await this.network[Symbol.asyncDispose]();
  }

  #pidsOf(member: Member): readonly number[] {
    return (['ftp', 'proxy', 'sweep'] as const).map((role) => member.childPid(role));
  }
}
