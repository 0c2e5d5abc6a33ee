/**
 * Real programs whose line is cut in the middle of an upload, and that go on with it: the wire between them and the
 * gateway breaks, the members behind it live. What arrives is the same file on all of them. (Programs that use PASV, such
 * as ncftp, are told the gateway's own address and go past the wire.)
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { assertIdentical, hashOfFile } from '../network/compare.ts';
import { Loopback } from '../network/loopback.ts';
import { CLIENT_PASSIVE_PORTS, type Member } from '../network/member.ts';
import { hasProgram, type ProgramResult, run, succeed } from '../network/program.ts';
import { Relay } from '../network/relay.ts';
import { waitUntil } from '../network/wait-until.ts';
import { type Network, openNetwork } from '../network/with-network.ts';
import { RawClient } from '../proxy/raw-client.ts';

const BYTES = 6 * 1024 * 1024;
/** Where the line is cut. */
const CUT_AFTER = 2_500_000;
/** Bytes a second, so that what the wire has taken is not still on its way when it breaks. */
const PACE = 4_000_000;

let network: Network & AsyncDisposable;
test.before(async (t) => {
  t.timeout(120_000);
  network = await openNetwork({ members: 3 });
});
test.after.always(async () => {
  await network?.[Symbol.asyncDispose]();
});
test.afterEach.always((t) => {
  if (!t.passed) console.error(`\nlogs at the end of "${t.title}"\n${network.log()}`);
});

/** The way of a client to a member's gateway, control and data connections alike. */
async function wireTo(t: ExecutionContext, member: Member): Promise<Relay> {
  const passive = Array.from({ length: CLIENT_PASSIVE_PORTS }, (_, n) => member.port + 2 + n);
  const listen = new Loopback().address(1);
  const relay = await Relay.open({ listen, target: member.host, ports: [member.port, ...passive] });
  t.teardown(() => relay.close());
  return relay;
}

interface Resuming {
  readonly title: string;
  readonly program: string;
  /** The upload that is cut off, then the one that goes on. `host` and `port` of the wire. */
  start(host: string, port: number, local: string, remote: string): readonly string[];
  goOn(host: string, port: number, local: string, remote: string): readonly string[];
  /** For what it reads from its standard input. */
  readonly input?: (local: string, remote: string, kept: number) => string;
}

const lftpScript = (host: string, port: number, command: string): readonly string[] => [
  '--norc',
  '-c',
  `set net:max-retries 2; set net:reconnect-interval-base 1; set net:reconnect-interval-max 2; set net:timeout 20; set ftp:ssl-allow no; set cmd:fail-exit yes; open -u guest,guest -p ${port} ${host}; ${command}`,
];

const programs: readonly Resuming[] = [
  {
    title: 'curl -C -',
    program: 'curl',
    start: (host, port, local, remote) => [
      '-sS',
      '-u',
      'guest:guest',
      '-T',
      local,
      `ftp://${host}:${port}${remote}`,
    ],
    goOn: (host, port, local, remote) => [
      ...['-sS', '-C', '-', '-u', 'guest:guest'],
      ...['-T', local, `ftp://${host}:${port}${remote}`],
    ],
  },
  {
    title: 'lftp put -c',
    program: 'lftp',
    start: (host, port, local, remote) => lftpScript(host, port, `put ${local} -o ${remote}`),
    goOn: (host, port, local, remote) => lftpScript(host, port, `put -c ${local} -o ${remote}`),
  },
  {
    title: 'lftp reput',
    program: 'lftp',
    start: (host, port, local, remote) => lftpScript(host, port, `put ${local} -o ${remote}`),
    goOn: (host, port, local, remote) => lftpScript(host, port, `reput ${local} -o ${remote}`),
  },
  {
    title: 'tnftp restart and put',
    program: 'tnftp',
    start: (host, port) => ['-n', '-v', '-p', '-P', String(port), host],
    goOn: (host, port) => ['-n', '-v', '-p', '-P', String(port), host],
    input: (local, remote, kept) =>
      `user guest guest\nbinary\n${kept > 0 ? `restart ${kept}\n` : ''}put ${local} ${remote}\nquit\n`,
  },
];

for (const { title, program, start, goOn, input } of programs) {
  for (const how of ['rst', 'fin'] as const) {
    test.serial(`${title}: an upload cut off (${how}) in the middle goes on where it was`, async (t) => {
      t.timeout(120_000);
      if (!hasProgram(t, program)) return;
      const folder = mkdtempSync(join(tmpdir(), 'cloudroid-resumed-'));
      t.teardown(() => rmSync(folder, { recursive: true, force: true }));
      const a = network.member('a');
      const remote = `/${title.replaceAll(' ', '-')}-${how}`;
      const local = join(folder, basename(remote));
      writeFileSync(local, randomBytes(BYTES));
      const wire = await wireTo(t, a);
      const asked = (kept: number) => ({
        cwd: folder,
        withinMs: 50_000,
        ...(input === undefined ? {} : { input: input(local, remote, kept) }),
      });
      // As if everything were lost at once: what is connected breaks, and for a while nothing gets through.
      wire.limit(PACE);
      const broken = wire.breakAfter(CUT_AFTER, how).then(() => wire.set('refused'));
      await cutOff(t, run(program, start(wire.address, a.port, local, remote), asked(0)));
      await broken;
      wire.set('open');
      wire.limit(Number.POSITIVE_INFINITY);
      const kept = await keptSize(a, remote);
      t.true(kept > 1_000_000 && kept < BYTES, `${kept} bytes are kept`);
      const passed = wire.passed;
      await succeed(t, program, goOn(wire.address, a.port, local, remote), asked(kept));
      const resent = wire.passed - passed;
      t.true(resent < BYTES - kept + 100_000, `${resent} bytes were sent again, ${kept} were there`);
      const want = await hashOfFile(local);
      for (const member of network.members)
        t.is(await hashOfFile(join(member.filesDir, remote)), want, member.name);
      await assertIdentical(t, network.members);
    });
  }
}

test.serial('curl -C - goes on although the line just went dead and nobody told the gateway', async (t) => {
  t.timeout(120_000);
  if (!hasProgram(t, 'curl')) return;
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-resumed-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const local = join(folder, 'dead line');
  writeFileSync(local, randomBytes(BYTES));
  const a = network.member('a');
  const wire = await wireTo(t, a);
  const url = (host: string) => `ftp://guest:guest@${host}:${a.port}/dead-line`;
  wire.limit(PACE);
  const hanging = run('curl', ['-sS', '-T', local, url(wire.address)], { cwd: folder });
  await waitUntil('some of it has passed', async () =>
    wire.passed > CUT_AFTER ? null : `${wire.passed} bytes`,
  );
  wire.set('cut');
  t.true((await keptSize(a, '/dead-line')) > 1_000_000);
  const args = ['-sS', '-v', '-C', '-', '-T', local, url(a.host)];
  const { stderr } = await succeed(t, 'curl', args, { cwd: folder });
  t.regex(stderr, /> APPE dead-line/);
  for (const { name, filesDir } of network.members) {
    t.is(await hashOfFile(join(filesDir, 'dead-line')), await hashOfFile(local), name);
  }
  wire.set('open');
  await hanging;
  await assertIdentical(t, network.members);
});

async function cutOff(t: ExecutionContext, upload: Promise<ProgramResult>): Promise<void> {
  const { status, text } = await upload;
  t.log(`it ended with ${status}: ${text.trim().slice(-200)}`);
}

/** What SIZE says, once the gateway has noticed. */
async function keptSize(member: Member, path: string): Promise<number> {
  const client = await RawClient.loggedIn(member.port, { host: member.host });
  let size = 0;
  await waitUntil('the gateway has put the upload away', async () => {
    const { code, text } = await client.command(`SIZE ${path}`);
    size = Number(text.slice(4));
    return code === 213 ? null : text;
  });
  client.destroy();
  return size;
}
