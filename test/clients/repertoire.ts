/** What every FTP program must be able to do through one member, and what the other members must show then. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { crowdNames, type Door, type FtpProgram } from './drivers/ftp-program.ts';

/** A file of a few hundred bytes that is another one for each name. */
export const crowdBytes = (name: string): Buffer => Buffer.from(`${name}\n`.repeat(40));

/** Where the 300 lie before the tests begin, for programs that cannot send them. */
export const CROWD = '/three hundred';

/** For a shorter repertoire: over TLS names take the same way as without. */
export const fewNames: readonly string[] = ['"quotes" and spaces.txt', 'cafe\u0301.txt'];

export const oddNames: readonly string[] = [
  'with spaces in it.txt',
  ' leading space.txt',
  'double "quotes".txt',
  "single 'quotes'.txt",
  '100% %41 %2F.txt',
  '#hash #1.txt',
  '-leading dash',
  'caf\u00e9 composed.txt',
  'cafe\u0301 decomposed.txt',
  '\u65e5\u672c\u8a9e.txt',
  '\u{1f600}',
  `${'n'.repeat(196)}.txt`,
  'glob * ? [a-z] {x,y}.txt',
  'back\\slash $HOME `id` ;& |.txt',
  '~tilde',
  '...',
];

/** A member's door, and the same file seen past FTP: on its disk. */
export interface MemberDoor extends Door {
  /** Bytes of the shared file on that member's disk; null when there is none. */
  onDisk(remote: string): Promise<Buffer | null>;
  /** Stores it without any program. */
  byHand(remote: string, bytes: Uint8Array): Promise<void>;
}

export interface Doors {
  /** Everything is changed through this one. */
  readonly near: MemberDoor;
  /** And must be seen on all of these at once. */
  readonly far: readonly MemberDoor[];
}

class Session {
  readonly t: ExecutionContext;
  readonly program: FtpProgram;
  readonly doors: Doors;
  /** Names that it is made to say. */
  readonly names: readonly string[];
  readonly #folder: string;
  #count = 0;
  #turn = 0;

  constructor(t: ExecutionContext, program: FtpProgram, doors: Doors, names: readonly string[]) {
    this.t = t;
    this.program = program;
    this.doors = doors;
    this.names = names.filter((name) => !program.cannotSay?.(name));
    this.#folder = mkdtempSync(join(tmpdir(), 'cloudroid-client-'));
    t.teardown(() => rmSync(this.#folder, { recursive: true, force: true }));
  }

  scratch(): string {
    this.#count += 1;
    return join(this.#folder, `local-${this.#count}`);
  }

  async fileWith(bytes: Uint8Array): Promise<string> {
    const path = this.scratch();
    await writeFile(path, bytes);
    return path;
  }

  async upload(remote: string, bytes: Uint8Array): Promise<void> {
    const { t, program, doors } = this;
    const empty = bytes.length === 0 && program.cannotSendEmpty?.(doors.near) != null;
    if (program.upload === undefined || empty) await doors.near.byHand(remote, bytes);
    else await program.upload(t, doors.near, await this.fileWith(bytes), remote);
  }

  /** On every disk, and as the program itself fetches it from another member. */
  async assertStored(remote: string, bytes: Uint8Array): Promise<void> {
    await this.assertOnDisks(remote, bytes);
    const { t, program, doors } = this;
    const local = this.scratch();
    this.#turn += 1;
    const door = doors.far[this.#turn % doors.far.length] ?? doors.near;
    await program.download(t, door, remote, local);
    t.true(
      Buffer.from(bytes).equals(await readFile(local)),
      `${remote} comes back from ${door.host} as it was sent`,
    );
  }
  async assertOnDisks(remote: string, bytes: Uint8Array | null): Promise<void> {
    for (const door of [this.doors.near, ...this.doors.far]) {
      const found = await door.onDisk(remote);
      const right = bytes === null ? found === null : found !== null && Buffer.from(bytes).equals(found);
      this.t.true(
        right,
        `${remote} on ${door.host} ${bytes === null ? 'is gone' : `holds ${bytes.length} bytes`}`,
      );
    }
  }
}

/** `home` is a folder that exists and is empty; CROWD is there. The crowd comes with all names only. */
export async function performAll(
  t: ExecutionContext,
  program: FtpProgram,
  doors: Doors,
  home: string,
  names: readonly string[] = oddNames,
): Promise<void> {
  const session = new Session(t, program, doors, names);
  if (names === oddNames) await crowd(session, home);
  const nested = `${home}/a folder/"deep" & \u00fc/-x`;
  if (program.makeFolder === undefined) {
    await wholeFiles(session, home);
    return;
  }
  for (const folder of [`${home}/a folder`, `${home}/a folder/"deep" & \u00fc`, nested]) {
    await program.makeFolder(t, doors.near, folder);
  }
  await wholeFiles(session, nested);
  await listing(session, nested);
  await changing(session, nested);
  await going(session, home);
  await removing(session, home, nested);
}

async function wholeFiles(session: Session, folder: string): Promise<void> {
  for (const [index, name] of session.names.entries()) {
    // Larger ones do not travel inside the commit.
    const bytes = randomBytes(index % 2 === 0 ? 1000 + index : 40_000 + index);
    await session.upload(`${folder}/${name}`, bytes);
    await session.assertStored(`${folder}/${name}`, bytes);
  }
  await session.upload(`${folder}/empty`, new Uint8Array());
  await session.assertStored(`${folder}/empty`, new Uint8Array());
  const large = randomBytes(5_000_000);
  await session.upload(`${folder}/large`, large);
  await session.assertStored(`${folder}/large`, large);
  const other = randomBytes(70_000);
  await session.upload(`${folder}/large`, other);
  await session.assertStored(`${folder}/large`, other);
}

async function listing({ t, program, doors, names }: Session, folder: string): Promise<void> {
  if (program.list === undefined) return;
  const wanted = [...names, 'empty', 'large'].sort();
  for (const door of [doors.near, ...doors.far]) {
    t.deepEqual((await program.list(t, door, folder)).sort(), wanted, `listed by ${door.host}`);
  }
}

async function changing(session: Session, folder: string): Promise<void> {
  const { t, program, doors, names } = session;
  for (const [index, name] of names.entries()) {
    const bytes = await doors.near.onDisk(`${folder}/${name}`);
    if (bytes === null) throw new Error(`${name} is not on the disk`);
    // In a circle of neighbours: each odd name is renamed from and to.
    const target = `${folder}/to ${names[(index + 1) % names.length]}`.slice(0, folder.length + 190);
    await program.rename?.(t, doors.near, `${folder}/${name}`, target);
    if (program.rename === undefined) break;
    await session.assertOnDisks(`${folder}/${name}`, null);
    await session.assertOnDisks(target, bytes);
    await program.remove?.(t, doors.near, target);
    if (program.remove !== undefined) await session.assertOnDisks(target, null);
  }
}

/** A folder of 300 files: sent, listed, fetched through another member. */
async function crowd(session: Session, home: string): Promise<void> {
  const { t, program, doors } = session;
  const folder = program.sendFolder === undefined ? CROWD : `${home}/crowd`;
  if (program.sendFolder !== undefined) {
    const local = session.scratch();
    await mkdir(local);
    for (const name of crowdNames) await writeFile(join(local, name), crowdBytes(name));
    await program.makeFolder?.(t, doors.near, folder);
    await program.sendFolder(t, doors.near, local, folder);
  }
  const far = doors.far[0] ?? doors.near;
  if (program.list !== undefined) t.deepEqual((await program.list(t, far, folder)).sort(), crowdNames);
  if (program.fetchFolder === undefined) return;
  const back = session.scratch();
  await mkdir(back);
  await program.fetchFolder(t, far, folder, back);
  t.deepEqual((await readdir(back)).sort(), crowdNames);
  for (const name of crowdNames)
    t.true(crowdBytes(name).equals(await readFile(join(back, name))), `${name} came back`);
}

/** Append and resume. */
async function going(session: Session, folder: string): Promise<void> {
  const { t, program, doors } = session;
  const bytes = randomBytes(300_000);
  const half = 120_000;
  if (program.append !== undefined) {
    await session.upload(`${folder}/log`, bytes.subarray(0, half));
    await program.append(t, doors.near, await session.fileWith(bytes.subarray(half)), `${folder}/log`);
    await session.assertStored(`${folder}/log`, bytes);
  }
  if (program.resumeUpload !== undefined) {
    await session.upload(`${folder}/part`, bytes.subarray(0, half));
    await program.resumeUpload(t, doors.near, await session.fileWith(bytes), `${folder}/part`, half);
    await session.assertStored(`${folder}/part`, bytes);
  }
  if (program.resumeDownload !== undefined) {
    await session.upload(`${folder}/whole`, bytes);
    const local = await session.fileWith(bytes.subarray(0, half));
    await program.resumeDownload(t, doors.far[0] ?? doors.near, `${folder}/whole`, local, half);
    t.true(bytes.equals(await readFile(local)), 'the rest of a download was fetched');
  }
}

async function removing(session: Session, home: string, nested: string): Promise<void> {
  const { t, program, doors } = session;
  if (program.remove === undefined || program.removeFolder === undefined) return;
  for (const name of ['empty', 'large']) await program.remove(t, doors.near, `${nested}/${name}`);
  for (const folder of [nested, `${home}/a folder/"deep" & \u00fc`, `${home}/a folder`]) {
    await program.removeFolder(t, doors.near, folder);
  }
  for (const door of [doors.near, ...doors.far]) {
    const names = program.list === undefined ? [] : await program.list(t, door, home);
    t.false(names.includes('a folder'), `gone from ${door.host}`);
  }
}
