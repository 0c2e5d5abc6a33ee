import test from 'ava';
import { baseName, isReserved, PathProblem, parentOf, resolvePath } from '../../src/ftp/virtual-path.ts';

test('paths become absolute and normal, never above the root', (t) => {
  for (const [cwd, argument, expected] of [
    ['/', 'a', '/a'],
    ['/a', 'b/c', '/a/b/c'],
    ['/a', '/b/', '/b'],
    ['/a/b', '..', '/a'],
    ['/a', '../../../etc', '/etc'],
    ['/a', './/x/./y', '/a/x/y'],
    ['/', '', '/'],
    ['/', '..\\..\\x', '/..\\..\\x'],
    ['/', '~', '/~'],
    ['/', ' a ', '/ a '],
    ['/', '...', '/...'],
    ['/', '*?[x]', '/*?[x]'],
  ] as const) {
    t.is(resolvePath(cwd, argument), expected, `${cwd} + ${argument}`);
  }
});

test('a component may have 255 bytes and a path 4096, counted in UTF-8', (t) => {
  t.is(resolvePath('/', 'x'.repeat(255)).length, 256);
  t.throws(() => resolvePath('/', 'x'.repeat(256)), { instanceOf: PathProblem });
  t.throws(() => resolvePath('/', 'ä'.repeat(128)), { instanceOf: PathProblem });
  t.notThrows(() => resolvePath('/', 'a/'.repeat(2048).slice(0, -1)));
  t.throws(() => resolvePath('/', 'a/'.repeat(2049)), { instanceOf: PathProblem });
});

test('our own names are seen anywhere in a path and in any case', (t) => {
  for (const path of ['/.cloudroid', '/a/.cloudroid/b', '/.Cloudroid-x']) t.true(isReserved(path), path);
  for (const path of ['/', '/cloudroid', '/a.cloudroid']) t.false(isReserved(path), path);
});

test('parent and name of a path', (t) => {
  t.deepEqual(['/', '/a', '/a/b'].map(parentOf), ['/', '/', '/a']);
  t.deepEqual(['/', '/a', '/a/b'].map(baseName), ['', 'a', 'b']);
});
