/** After the fault: do the members become the same, does another sweep change nothing, what lies on the disks? */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  catalogPicture,
  difference,
  diskAgainstCatalog,
  diskPicture,
  firstDifference,
} from '../../test/network/compare.ts';
import type { Member } from '../../test/network/member.ts';
import { waitUntil } from '../../test/network/wait-until.ts';
import { type Block, readProvable } from './provable.ts';

/** What is promised is 60 s and the time that the bytes take; these are a few megabytes on two busy cores. */
const IDENTICAL_WITHIN_MS = 60_000 + 20_000;

/** The seconds it took; throws with the first difference when it does not come about. */
export async function becomeTheSame(members: readonly Member[]): Promise<number> {
  const from = performance.now();
  const look = async (): Promise<string | null> => {
    const found = await firstDifference(members);
    if (found !== null) return found;
    for (const member of members) {
      const wrong = await diskAgainstCatalog(member);
      if (wrong !== null) return `${member.name}: ${wrong}`;
    }
    return null;
  };
  await waitUntil('all members are the same', look, { withinMs: IDENTICAL_WITHIN_MS, everyMs: 400 });
  return (performance.now() - from) / 1000;
}

/** For the report of a difference: what each catalog says of the paths that differ, and of those they are copies of. */
export function recordsBehind(members: readonly Member[]): string[] {
  const pictures = members.map((member) => ({ member, lines: catalogPicture(member) }));
  const everywhere = new Set(
    pictures[0]?.lines.filter((line) => pictures.every(({ lines }) => lines.includes(line))),
  );
  const differing = pictures.flatMap(({ lines }) => lines.filter((line) => !everywhere.has(line)));
  const paths = new Set(
    differing.slice(0, 8).flatMap((line) => {
      const path = line.slice(0, line.indexOf(' kind '));
      return [path, path.replace(/\.(?:conflict|recovered)-.*$/, '')];
    }),
  );
  return [...paths].flatMap((path) =>
    pictures.map(
      ({ member, lines }) =>
        `${member.name}: ${lines.find((line) => line.startsWith(`${path} kind `)) ?? `${path} has no record`}`,
    ),
  );
}

/** Each asked for once: null when that made them the same. */
export async function sweepAll(members: readonly Member[]): Promise<string | null> {
  await Promise.all(members.map((member) => member.command(['sweep', '--once'])));
  return await firstDifference(members);
}

/** What one more sweep of each changed: nothing is right. `complete`: no member is away, so it must also succeed. */
export async function sweepAgain(members: readonly Member[], complete: boolean): Promise<string[]> {
  const picture = async (member: Member) => [
    ...catalogPicture(member),
    ...(await diskPicture(member.filesDir)),
  ];
  const before = await Promise.all(members.map(picture));
  const wrong: string[] = [];
  await Promise.all(
    members.map(async (member) => {
      const { status, output } = await member.command(['sweep', '--once']);
      if (status !== 0 && complete)
        wrong.push(`a second sweep of ${member.name} ended with ${status}: ${output.trim()}`);
    }),
  );
  for (const [index, member] of members.entries()) {
    const found = difference('before', before[index] ?? [], 'after', await picture(member));
    if (found !== null) wrong.push(`a second sweep changed ${member.name}: ${found}`);
  }
  return wrong;
}

/** Every file of the volume, read into the blocks that it is made of. */
export async function filesOf(member: Member, below = ''): Promise<Map<string, readonly Block[] | string>> {
  const found = new Map<string, readonly Block[] | string>();
  for (const entry of await readdir(join(member.filesDir, below), { withFileTypes: true })) {
    const path = `${below}/${entry.name}`;
    if (path === '/.cloudroid') continue;
    if (entry.isDirectory())
      for (const [name, blocks] of await filesOf(member, path)) found.set(name, blocks);
    else found.set(path, readProvable(await readFile(join(member.filesDir, path))));
  }
  return found;
}
