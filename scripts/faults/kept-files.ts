/** Files that the clients leave alone: what a fault does to these is done by it alone. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Member } from '../../test/network/member.ts';
import type { Scene } from './fault.ts';
import { holdersIn, now, outcomeOf } from './journal.ts';
import { provable, readProvable } from './provable.ts';

export interface KeptFile {
  readonly path: string;
  readonly bytes: Buffer;
}

const LENGTHS = [2_000, 60_000, 700_000] as const;

/** Stores `count` files through the member and waits until every member has them. */
export async function keepFiles(scene: Scene, member: Member, count: number): Promise<readonly KeptFile[]> {
  const session = await member.login();
  const made = await session.command('MKD /kept');
  if (made.code !== 257 && made.code !== 550) throw new Error(made.text);
  const files: KeptFile[] = [];
  for (let index = 0; index < count; index += 1) {
    const path = `/kept/k${index}`;
    const id = `kept.${scene.journal.changes.length}.${index}`;
    const bytes = provable(id, path, LENGTHS[index % LENGTHS.length] ?? 1000);
    const startedAt = now();
    const { code, text } = await session.upload(`STOR ${path}`, bytes);
    const [holders, ofMembers, here] = holdersIn(text);
    const told = {
      outcome: outcomeOf(code),
      answer: text,
      startedAt,
      endedAt: now(),
      holders,
      ofMembers,
      here,
    };
    scene.journal.changes.push({ id, client: 'kept', via: member.name, verb: 'STOR', path, ...told });
    if (code !== 226) throw new Error(`STOR ${path}: ${text}`);
    files.push({ path, bytes });
  }
  session.destroy();
  await holds(scene, 'every member has the kept files', 30, () =>
    scene.network.members.every((each) => files.every((file) => hasOnDisk(each, file))),
  );
  return files;
}

export function hasOnDisk(member: Member, { path, bytes }: KeptFile): boolean {
  const place = join(member.filesDir, path);
  return existsSync(place) && readFileSync(place).equals(bytes);
}

/** True when it came about within so many seconds. */
export async function holds(
  scene: Scene,
  what: string,
  seconds: number,
  probe: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    if (await probe()) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  scene.say(`not within ${seconds} s: ${what}`);
  return false;
}

/** Reads each through the member: whatever it answers, wrong bytes never come with a 226. */
export async function readKept(scene: Scene, member: Member, files: readonly KeptFile[]): Promise<number> {
  let whole = 0;
  for (const { path, bytes } of files) {
    try {
      const session = await member.login();
      const got = await session.download(`RETR ${path}`);
      session.destroy();
      if (got.reply.code !== 226) continue;
      if (got.bytes.equals(bytes)) whole += 1;
      else {
        const blocks = readProvable(got.bytes);
        const told =
          typeof blocks === 'string' ? blocks : `it is block ${blocks.map(({ id }) => id).join(' ')}`;
        scene.violation(`RETR ${path} through ${member.name} said 226, but ${told}`);
      }
    } catch (error) {
      scene.say(
        `RETR ${path} through ${member.name}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return whole;
}

/** One sweep with a scrub, now. Null when the program has none yet; else what it said. */
export async function scrub(member: Member): Promise<string | null> {
  const { output } = await member.command(['sweep', '--once', '--scrub']);
  return /Unknown option --scrub|--scrub means nothing/.test(output) ? null : output.trim();
}
