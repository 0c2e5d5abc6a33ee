/**
 * A process that writes with eight hands until CLOUDROID_FAILPOINT kills it: `node put-until-killed.ts <root>`. Prints
 * `<path> <version>` for each write once it is acknowledged.
 */
import { writeSync } from 'node:fs';
import { sha256Of } from './content-hash.ts';
import { storeUnder } from './store-in-process.ts';

/** Different lengths, so that a mixture of two versions would show. */
export function contentOf(path: string, version: number): string {
  return `${path} ${version} `.repeat(1 + ((version * 131) % 400));
}

if (import.meta.main) {
  const root = process.argv[2] ?? '';
  const store = await storeUnder(root);
  const hand = async (number: number) => {
    for (let version = 1; version <= 500; version += 1) {
      const path = `/hand${number}/f${version % 5}`;
      const content = contentOf(path, version);
      await store.commit({
        id: `put-${number}-${version}-of-many`,
        operation: { op: 'put', path, size: content.length, sha256: sha256Of(content) },
        content: { inline: Buffer.from(content).toString('base64') },
      });
      writeSync(1, `${path} ${version}\n`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, number) => hand(number)));
  process.exit(0);
}
