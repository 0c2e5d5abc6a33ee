/** Data connections that end in the middle, by FIN and by RST, of clients and between members. */
import { setTimeout as pause } from 'node:timers/promises';
import { resetConnection } from '../../../src/ftp/reset-connection.ts';
import type { Member } from '../../../test/network/member.ts';
import type { Fault, Scene } from '../fault.ts';
import { holdersIn, now } from '../journal.ts';
import { provable } from '../provable.ts';

/** One upload that breaks off: RST; FIN with the size announced before; FIN with the whole client gone. None may be published. */
async function brokenUpload(scene: Scene, member: Member, number: number): Promise<void> {
  const { random, journal } = scene;
  const how = random.pick(['rst', 'fin-announced', 'fin-gone'] as const);
  const verb = random.pick(['STOR', 'APPE'] as const);
  const path = `/contended/n${random.below(5)}`;
  const id = `broken.${number}`;
  const bytes = provable(id, path, 1 + random.below(400_000));
  const at = random.below(bytes.length);
  const startedAt = now();
  const session = await member.login();
  let answer = 'none: the client was gone';
  try {
    if (how === 'fin-announced') await session.command(`ALLO ${bytes.length}`);
    const data = await session.dataConnection();
    session.send(`${verb} ${path}\r\n`);
    await session.reply();
    await new Promise((resolve) => data.write(bytes.subarray(0, at), resolve));
    await pause(random.below(30));
    if (how === 'rst') resetConnection(data);
    else data.end();
    if (how === 'fin-gone') session.destroy();
    else answer = (await session.reply()).text;
  } catch (error) {
    answer = error instanceof Error ? error.message : String(error);
  }
  session.destroy();
  if (answer.startsWith('226'))
    scene.violation(`${verb} cut by ${how} at byte ${at} of ${bytes.length}: ${answer}`);
  const [holders, ofMembers, here] = holdersIn(answer);
  const said = {
    outcome: 'unknown',
    answer: `${how} at ${at}: ${answer}`,
    holders,
    ofMembers,
    here,
  } as const;
  journal.changes.push({
    id,
    client: 'broken',
    via: member.name,
    verb,
    path,
    startedAt,
    endedAt: now(),
    ...said,
  });
}

export const connectionFaults: readonly Fault[] = [
  {
    name: 'client-cut',
    what: "clients' uploads end at a random byte: RST, FIN with a size announced, FIN with the client gone",
    // All clients here are guest: what was kept of one's upload another's APPE would go on from, as it should.
    options: ['--keep-parts-hours', '0'],
    async strike(scene) {
      const end = performance.now() + scene.scale.longSeconds * 2 * 1000;
      for (let number = 0; performance.now() < end; number += 1)
        await brokenUpload(scene, scene.random.pick(scene.network.members), number);
    },
  },
  {
    name: 'peer-cut',
    what: 'connections between members end at a random byte, by FIN and by RST',
    relays: true,
    async strike(scene) {
      const { network, random } = scene;
      const end = performance.now() + scene.scale.longSeconds * 2 * 1000;
      let broken = 0;
      while (performance.now() < end) {
        const [one = 'a', other = 'b'] = random.shuffle(['a', 'b', 'c']);
        const bytes = Math.floor(10 ** (1 + random.next() * 4.5));
        const done = network.wire(one, other).breakAfter(bytes, random.pick(['fin', 'rst']));
        const happened = await Promise.race([done.then(() => true), pause(2000, false)]);
        broken += happened ? 1 : 0;
      }
      scene.note(`${broken} connections broken`);
    },
  },
];
