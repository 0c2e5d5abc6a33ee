import { PassThrough } from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import { formatLine } from '../../src/system/log-line.ts';
import { startLogger } from '../../src/system/logger.ts';

const at = new Date('2026-01-02T03:04:05.678Z');
const line = (message: string, details: object, journal = false) =>
  formatLine({ level: 'info', role: 'proxy', message, details }, at, journal);

test('a line has time, level, role, message and details', (t) => {
  t.is(
    line('stored', { path: '/a b.txt', bytes: 12, members: '2/3', empty: '', none: undefined }),
    '2026-01-02 03:04:05 info  proxy  stored path="/a b.txt" bytes=12 members=2/3 empty=""',
  );
});

test('under systemd a line has a priority and no time', (t) => {
  t.is(line('stored', {}, true), '<6>proxy: stored');
  t.is(formatLine({ level: 'error', role: 'ftp', message: 'm', details: {} }, at, true), '<3>ftp: m');
});

test('errors, objects, cycles and big numbers are details that never throw', (t) => {
  const cycle: { self?: object } = {};
  cycle.self = cycle;
  t.is(
    line('m', { error: new Error('no', { cause: new Error('disk') }) }),
    line('m', { error: 'no (because: disk)' }),
  );
  t.notThrows(() => line('m', { cycle, big: 1n, list: [1, 'a'], nothing: null }));
});

test('whatever a client names its file, the log stays one line of printable text', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const text = line(name, { [name]: name, path: `\u001b[2J\r\n<3>forged ${name}` });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
      return !/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/.test(text);
    }),
  );
  t.pass();
});

test('quotes inside a value cannot end it', (t) => {
  t.is(line('m', { path: '/a" level="error' }), line('m', { path: '/a" level="error' }));
  t.true(line('m', { path: '/a" b="c' }).endsWith(String.raw`path="/a\" b=\"c"`));
});

test('the logger writes at its level and above, with the details bound to it', async (t) => {
  const stream = new PassThrough();
  const logger = startLogger({ role: 'sweep', level: 'info', stream, journal: true }).with({ peer: 'b' });
  logger.debug('not shown');
  logger.info('shown', { message: 'a detail may be called message', level: 'or level' });
  logger.error('bad', { peer: 'c' });
  stream.end();
  let written = '';
  for await (const chunk of stream) written += chunk;
  t.deepEqual(written.trimEnd().split('\n'), [
    '<6>sweep: shown peer=b message="a detail may be called message" level="or level"',
    '<3>sweep: bad peer=c',
  ]);
});
