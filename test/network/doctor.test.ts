/** `cloudroid doctor` beside real members: what it says when all is well, and of each sickness its cure. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { checkCertificate } from '../../src/cli/doctor/certificate.ts';
import { checkClock } from '../../src/cli/doctor/clock.ts';
import type { Finding, Level } from '../../src/cli/doctor/finding.ts';
import { doctorPage } from '../../src/cli/doctor.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { CloudroidProcess } from './child.ts';
import type { Member } from './member.ts';
import { waitUntil } from './wait-until.ts';
import { withNetwork } from './with-network.ts';

async function examined(member: Member, more: readonly string[] = []) {
  const { status, output } = await new CloudroidProcess(['doctor', '--json', ...member.args, ...more]).ended;
  const json = output.slice(output.indexOf('[\n'), output.lastIndexOf(']') + 1);
  return { status, findings: JSON.parse(json) as Finding[] };
}

const has = (findings: readonly Finding[], level: Level, text: RegExp): boolean =>
  findings.some((one) => one.level === level && text.test(`${one.check}: ${one.text} -> ${one.cure ?? ''}`));

const show = (findings: readonly Finding[]) => doctorPage(findings);

test('two healthy members: no problem, and only the public password to look at', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const a = network.member('a');
    await waitUntil('the doctor finds nothing wrong', async () => {
      const { status, findings } = await examined(a);
      const others = findings.filter(
        ({ level, check }) => level !== 'ok' && check !== 'accounts' && check !== 'clock',
      );
      const told = has(findings, 'warning', /accounts: guest with the public password.*users add/);
      return status === 0 && others.length === 0 && told ? null : show(findings);
    });
    const { findings } = await examined(a);
    t.true(has(findings, 'ok', /member .*: b is reachable and has the same network key/));
    t.true(has(findings, 'ok', /b runs version/));
    t.true(has(findings, 'ok', /identity of the disk: this member's own/), show(findings));
    t.true(has(findings, 'ok', /file system of the disk: renames over files/), show(findings));
    const internal = readdirSync(join(a.filesDir, '.cloudroid'));
    t.deepEqual(
      internal.filter((name) => /^(probe|doctor)-/.test(name)),
      [],
    );
    t.true(has(findings, 'ok', /port for clients: .* answers/));
    t.true(findings.every(({ level, cure }) => (level === 'ok') === (cure === null)));
  });
});

test('a peer that is away, a line that cannot be read, and an own address in PEERS.txt are told', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    a.writePeers([`${b.host}:${b.storagePort}`, `${a.host}:${a.storagePort}`, 'no address at all']);
    await b.stop();
    const { status, findings } = await examined(a);
    t.is(status, 1);
    t.true(has(findings, 'problem', /member .*-> Is that board on/), show(findings));
    t.true(has(findings, 'problem', /PEERS\.txt: line 3 cannot be read: no address at all/), show(findings));
    t.true(has(findings, 'warning', /is this very member -> Take the line out/), show(findings));
  });
});

test('a wrong network key is not taken for a peer that is away', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const a = network.member('a');
    const other = join(network.folder, 'other.key');
    writeFileSync(other, `cloudroid-network-key-1 ${Buffer.alloc(32, 7).toString('base64url')}\n`, {
      mode: 0o644,
    });
    const { status, findings } = await examined(a, ['--network-key', other]);
    t.is(status, 1);
    t.true(has(findings, 'problem', /member .*Copy the network key file/), show(findings));
    t.true(has(findings, 'warning', /network key: was readable for others/), show(findings));
    t.false(has(findings, 'problem', /Is that board on/), show(findings));
  });
});

test('a member that does not run: what can be looked at is looked at all the same', async (t) => {
  await withNetwork(t, { members: 1, idle: true }, async (network) => {
    const a = network.member('a');
    const taken = createServer((socket) => socket.end('SSH-2.0-other\r\n')).listen(a.port, a.host);
    t.teardown(() => taken.close());
    const { status, findings } = await examined(a, ['--mount', network.folder]);
    t.is(status, 1);
    t.true(has(findings, 'problem', /storage server: .*not running.*systemctl start/), show(findings));
    t.true(has(findings, 'problem', /port for clients: nothing greets .*another program/), show(findings));
    t.true(has(findings, 'problem', /data disk: nothing is mounted on .*Plug it in/), show(findings));
  });
});

test("another member's disk, and an old copy of the own one, are told", async (t) => {
  await withNetwork(t, { members: 1 }, async (network) => {
    const a = network.member('a');
    const file = join(a.filesDir, '.cloudroid', 'store.json');
    const own = JSON.parse(readFileSync(file, 'utf8')) as { member: string; store: string };
    writeFileSync(file, JSON.stringify({ ...own, store: 'another' }));
    const copy = await examined(a);
    t.true(
      has(copy.findings, 'problem', /identity of the disk: an older or newer copy: another,.*cloudroid disk/),
    );
    writeFileSync(file, JSON.stringify({ ...own, member: 'b-1234' }));
    const foreign = await examined(a);
    t.is(foreign.status, 1);
    t.true(
      has(foreign.findings, 'problem', /identity of the disk: of the member b-1234/),
      show(foreign.findings),
    );
    writeFileSync(file, 'no JSON');
    const broken = await examined(a);
    t.true(has(broken.findings, 'problem', /identity of the disk: .*store\.json cannot be read/));
    // Not running, it knows itself by its own files.
    await a.stop();
    writeFileSync(file, JSON.stringify({ ...own, member: 'b-1234' }));
    const stopped = await examined(a);
    t.true(
      has(stopped.findings, 'problem', /identity of the disk: of the member b-1234/),
      show(stopped.findings),
    );
  });
});

test('a certificate that has run out, one that soon will, and garbage are told', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-doctor-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'cert.pem');
  const settings = loadSettings({
    options: { 'tls-cert-file': file, 'tls-key-file': join(folder, 'key.pem') },
    environment: {},
    currentDir: folder,
  });
  const made = (days: number) => {
    mkdirSync(folder, { recursive: true });
    const subject = [
      '-subj',
      '/CN=a',
      '-days',
      String(days),
      '-keyout',
      join(folder, 'key.pem'),
      '-out',
      file,
    ];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject],
      {
        stdio: 'pipe',
      },
    );
  };
  made(90);
  t.is(checkCertificate(settings)[0]?.level, 'ok');
  t.is(checkCertificate(settings, Date.now() + 80 * 86_400_000)[0]?.level, 'warning');
  t.is(checkCertificate(settings, Date.now() + 91 * 86_400_000)[0]?.level, 'problem');
  writeFileSync(file, 'garbage');
  t.regex(checkCertificate(settings)[0]?.text ?? '', /cannot be used/);
});

test('a clock of 1970, and one that is not synchronised, are told', async (t) => {
  const [broken] = await checkClock(1000, () => Promise.resolve(true));
  t.is(broken?.level, 'problem');
  const [loose] = await checkClock(Date.now(), () => Promise.resolve(false));
  t.is(loose?.level, 'warning');
  const [fine] = await checkClock(Date.now(), () => Promise.resolve(null));
  t.is(fine?.level, 'ok');
});
