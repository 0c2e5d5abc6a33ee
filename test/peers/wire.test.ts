import test from 'ava';
import { decodeJson, decodeText, encodeJson, encodeText, readLines, toNdjson } from '../../src/peers/wire.ts';

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function lines(bytes: Buffer, size: number, limit?: number): Promise<string[]> {
  const all: string[] = [];
  for await (const line of readLines(pieces(bytes, size), limit)) all.push(line);
  return all;
}

test('any text travels in a word of base64url and comes back the same', (t) => {
  for (const text of ['', '/', '/a b/"-x"\r\n\0', '/e\u0301/é/日本/😀', '/%2e#?*[', 'x'.repeat(5000)]) {
    t.is(decodeText(encodeText(text)), text);
    t.regex(encodeText(text), /^[A-Za-z0-9_-]*$/);
  }
  t.deepEqual(decodeJson(encodeJson({ path: '/é\n' })), { path: '/é\n' });
});

test('what nobody encoded is refused', (t) => {
  for (const bad of ['a', 'YQ==', 'Y Q', 'YQ!', '+/+/', 'YR', '_w', `${encodeText('{')}\n`]) {
    t.throws(() => decodeText(bad), { name: 'WireError' }, bad);
  }
  for (const bad of ['{', '[1]', '7', 'null', '"x"', '']) {
    t.throws(() => decodeJson(encodeText(bad)), { name: 'WireError' }, bad);
  }
});

test('lines come out whole however the bytes are cut', async (t) => {
  const values = [{ path: '/é日😀' }, { n: 1 }, '', { long: 'y'.repeat(300) }];
  const bytes = Buffer.concat([...toNdjson(values)]);
  for (let size = 1; size <= bytes.length; size += 7) {
    t.deepEqual(
      (await lines(bytes, size)).map((line) => JSON.parse(line)),
      values,
    );
  }
  t.deepEqual(await lines(Buffer.alloc(0), 1), []);
});

test('a cut-off last line, a line over the limit and bytes that are no UTF-8 are refused', async (t) => {
  await t.throwsAsync(lines(Buffer.from('{"a":1}\n{"b"'), 5), { name: 'WireError', message: /cut off/ });
  await t.throwsAsync(lines(Buffer.from(`${'x'.repeat(101)}\n`), 1000, 100), { name: 'WireError' });
  await t.throwsAsync(lines(Buffer.from('x'.repeat(101)), 10, 100), { name: 'WireError' });
  t.deepEqual(await lines(Buffer.from(`${'x'.repeat(100)}\n`), 10, 100), ['x'.repeat(100)]);
  await t.throwsAsync(lines(Buffer.from([0xff, 0x0a]), 10), { name: 'WireError', message: /UTF-8/ });
});

test('records go in pieces, and whoever stops early lets the source go', (t) => {
  let open = true;
  function* source(): Generator<object> {
    try {
      for (let n = 0; n < 10_000; n += 1) yield { n, text: 'x'.repeat(50) };
    } finally {
      open = false;
    }
  }
  const ndjson = toNdjson(source());
  const first = ndjson.next();
  t.true(first.done !== true && first.value.length > 60_000 && first.value.length < 70_000);
  ndjson.return();
  t.false(open);
});
