import test from 'ava';
import type { DebianPackage } from '../../src/cli/update/debian-package.ts';
import { objection, type UpdateQuestion } from '../../src/cli/update/plan.ts';
import { controlOf } from '../../src/cli/update/repack.ts';

const version = (number: string): DebianPackage => ({
  name: 'cloudroid',
  version: number,
  architecture: 'arm64',
  catalog: '2',
  installedKib: 150_000,
});
const question: UpdateQuestion = {
  offered: version('0.2.0'),
  installed: version('0.1.0'),
  architecture: 'arm64',
  isNewer: true,
  freeKib: 1_000_000,
  force: false,
};

test('a newer package for this machine is welcome', (t) => {
  t.is(objection(question), null);
});

test('what does not belong here is refused, forced or not', (t) => {
  for (const force of [false, true]) {
    t.regex(
      objection({ ...question, force, offered: { ...version('9'), name: 'vsftpd' } }) ?? '',
      /not of Cloudroid/,
    );
    t.regex(
      objection({ ...question, force, architecture: 'amd64' }) ?? '',
      /for arm64, this machine is amd64/,
    );
    t.regex(objection({ ...question, force, installed: null }) ?? '', /not installed as a package/);
    t.regex(objection({ ...question, force, freeKib: 300_000 }) ?? '', /Too little room: 367 MiB/);
  }
});

test('the same and older versions need to be forced', (t) => {
  const older = { ...question, isNewer: false, offered: version('0.0.9') };
  t.regex(objection(older) ?? '', /older than 0\.1\.0/);
  t.regex(objection({ ...older, offered: version('0.1.0') }) ?? '', /installed already/);
  t.is(objection({ ...older, force: true }), null);
});

test("a package made of the installed one has the package's fields, not those of dpkg", (t) => {
  const status =
    'Package: cloudroid\nStatus: install ok installed\nVersion: 0.1.0\nConffiles:\n /etc/cloudroid/cloudroid.json 123\nDescription: boards\n one\n .\n two\n';
  t.is(controlOf(status), 'Package: cloudroid\nVersion: 0.1.0\nDescription: boards\n one\n .\n two\n');
});
