import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openWriter } from '../../src/storage/catalog/catalog-schema.ts';

/** What format 2 added, taken away again. */
const TO_VERSION_1 = `
DROP INDEX records_bucket;
DROP INDEX records_missing;
DROP INDEX records_conflicts;
DROP TABLE tree;
DROP TABLE salvage;
ALTER TABLE records DROP COLUMN bucket;
ALTER TABLE trash DROP COLUMN why;
ALTER TABLE members DROP COLUMN retired_at;
PRAGMA user_version = 1;
`;

test('a catalog of format 1 gets everything that a new one has, and keeps its records', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudroid-schema-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'catalog.db');
  const things = (database: ReturnType<typeof openWriter>) =>
    database
      .prepare("SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
      .all()
      .map((row) => `${row['type']} ${row['name']}`);
  const columns = (database: ReturnType<typeof openWriter>) =>
    ['records', 'trash', 'members'].flatMap((table) =>
      database
        .prepare(`SELECT name FROM pragma_table_info('${table}') ORDER BY name`)
        .all()
        .map((row) => `${table}.${row['name']}`),
    );

  const fresh = openWriter(file);
  const expected = [...things(fresh), ...columns(fresh)];
  fresh.exec(
    "INSERT INTO records (path, parent, kind, size, sha256, mtime, actor, seq, stamp, context, kept, stored_at) VALUES ('/a', '/', 1, 0, '', 0, 'x', 1, 1, '{}', '[]', 1)",
  );
  fresh.exec(TO_VERSION_1);
  t.false(things(fresh).includes('table tree'));
  fresh.close();

  const upgraded = openWriter(file);
  t.deepEqual([...things(upgraded), ...columns(upgraded)], expected);
  const row = upgraded.prepare('SELECT path, bucket FROM records').get();
  t.is(row?.['path'], '/a');
  t.true(Number(row?.['bucket']) >= 0);
  upgraded.close();
});
