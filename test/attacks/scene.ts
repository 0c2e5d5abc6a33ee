/** Two real members to be attacked, something on them that nobody may touch, and what must be so when the attack is over. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { assertIdentical, becomeIdentical } from '../network/compare.ts';
import type { Member, Role } from '../network/member.ts';
import { waitUntil } from '../network/wait-until.ts';
import { type Network, openNetwork } from '../network/with-network.ts';
import { Inspector } from './inspector.ts';

export interface SceneOptions {
  readonly members?: number;
  readonly options?: readonly string[];
  /** Asks the proxies for their memory: `proxyOf(..).memory()`. */
  readonly inspected?: boolean;
}

const CANARY = '/canary.txt';
/** Words in the log that no client may cause. */
const FORBIDDEN_LINES = /nobody foresaw|defect|started again|TypeError|ReferenceError|unhandled|uncaught/i;

/** Open descriptors of a process, but for its connections to these ports (the pool between members closes them in its own time). */
export function descriptors(pid: number, poolPorts: ReadonlySet<number> = new Set()): number {
  const pooled = new Set<string>();
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)) {
    const [, , remote = '', , , , , , , inode = ''] = line.trim().split(/ +/);
    if (poolPorts.has(Number.parseInt(remote.split(':')[1] ?? '', 16))) pooled.add(`socket:[${inode}]`);
  }
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => !pooled.has(targetOf(join(folder, fd)))).length;
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

  /**
   * The members serve, are the same, run in the processes they were started in, and nobody touched the canary; nothing in the
   * logs that a client must not cause.
   */
  async assertUnharmed(t: ExecutionContext): Promise<void> {
    await becomeIdentical(this.network.members);
    await assertIdentical(t, this.network.members);
    for (const member of this.network.members) {
      const client = await member.login();
      const { reply, bytes } = await client.download(`RETR ${CANARY}`);
      t.is(reply.code, 226);
      t.true(bytes.equals(this.canary), `the canary through ${member.name}`);
      client.destroy();
      t.true(readFileSync(join(member.filesDir, CANARY)).equals(this.canary), `the canary on ${member.name}`);
      t.deepEqual(this.#pidsOf(member), this.#pids.get(member), `${member.name} runs as it was started`);
      const bad = member
        .log()
        .split('\n')
        .filter((line) => FORBIDDEN_LINES.test(line));
      t.deepEqual(bad, [], `log of ${member.name}`);
    }
    t.is(readFileSync(this.secretFile, 'utf8'), this.secret);
    t.deepEqual(readdirSync(join(this.secretFile, '..')), ['secret.txt']);
  }

  /** Of the proxy: what clients make it open. */
  descriptors(member = this.a): number {
    const pool = new Set(this.network.members.flatMap(({ storagePorts }) => storagePorts));
    return descriptors(this.pid('proxy', member), pool);
  }

  /** No session, no data connection and no listener is left: as many descriptors as before. */
  async settled(before: number, member = this.a): Promise<void> {
    await waitUntil(`the proxy has its ${before} descriptors again`, () => {
      const now = this.descriptors(member);
      return now <= before ? null : `${now} now`;
    });
  }

  async close(): Promise<void> {
    for (const inspector of this.#inspectors.values()) inspector.close();
    await this.network[Symbol.asyncDispose]();
  }

  #pidsOf(member: Member): readonly number[] {
    return (['ftp', 'proxy', 'sweep'] as const).map((role) => member.childPid(role));
  }
}
