/** An upload whose program was killed half-way: the same program, told to go on, sends only the rest. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { becomeIdentical } from '../network/compare.ts';
import { hasProgram, succeed } from '../network/program.ts';
import type { Network } from '../network/with-network.ts';
import { breakOff, FILE_BYTES, localFile, slowUploads } from './break-off.ts';
import { openClientNetwork } from './client-network.ts';

let network: Network & AsyncDisposable;
test.before(async (t) => {
  t.timeout(120_000);
  network = await openClientNetwork();
});
test.after.always(async () => {
  await network?.[Symbol.asyncDispose]();
});
test.afterEach.always((t) => {
  if (!t.passed) console.error(`\nlogs at the end of "${t.title}"\n${network.log()}`);
});

/** What SIZE tells of an upload that broke off, while no listing shows it. */
async function bytesKept(t: ExecutionContext, name: string): Promise<number> {
  const client = await network.member('a').login();
  const { code, text } = await client.command(`SIZE /${name}`);
  const listed = await client.download('NLST /');
  client.destroy();
  t.is(code, 213, text);
  t.false(listed.bytes.toString().includes(name), 'a part is no file');
  return Number(text.slice(4));
}

async function assertWhole(t: ExecutionContext, name: string, bytes: Buffer): Promise<void> {
  await becomeIdentical(network.members);
  for (const member of network.members)
    t.true(bytes.equals(await readFile(join(member.filesDir, name))), `${name} on ${member.name}`);
}

const goingOn: {
  readonly [program: string]: {
    readonly args: (url: string, local: string, name: string) => readonly string[];
    /** In what the program says of its session. */
    readonly says: (kept: number) => RegExp;
  };
} = {
  curl: {
    args: (url, local, name) => ['-v', '--no-progress-meter', '-C', '-', '-T', local, `${url}/${name}`],
    says: (kept) => new RegExp(`^< 213 ${kept}\\r?$.*^> APPE`, 'ms'),
  },
  lftp: {
    args: (url, local, name) => [
      '--norc',
      '-c',
      `debug 9; set cmd:fail-exit yes; set ftp:ssl-allow no; open ${url}; reput ${local} -o /${name}`,
    ],
    says: (kept) => new RegExp(`^---> REST ${kept}\\r?$`, 'm'),
  },
};

for (const [program, { args, says }] of Object.entries(goingOn)) {
  test.serial(`${program} goes on with an upload of its own that was cut off`, async (t) => {
    t.timeout(120_000);
    const slowUpload = slowUploads[program];
    if (slowUpload === undefined || !hasProgram(t, program)) return;
    const a = network.member('a');
    const { path, bytes } = await localFile(t);
    const name = `resumed-by-${program}`;
    await breakOff(a, program, slowUpload(a, path, name));
    const kept = await bytesKept(t, name);
    t.true(kept > 0 && kept < FILE_BYTES, `${kept} kept`);
    const { text } = await succeed(t, program, args(a.url, path, name));
    t.regex(text, says(kept));
    await assertWhole(t, name, bytes);
  });
}
