/** debian/copyright in the machine-readable form (DEP-5): ours, Node.js, and every production package with its licence text. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , modules = '', ownLicence = '', runtime = ''] = process.argv;

/** Blank lines become " .", every line is indented. */
function folded(/** @type {string} */ text) {
  const lines = text.replaceAll('\r', '').trimEnd().split('\n');
  return lines.map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`)).join('\n');
}

/** @returns {string[]} folders of packages, scoped ones too */
function packagesIn(/** @type {string} */ folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap(({ name }) => (name.startsWith('@') ? packagesIn(join(folder, name)) : [join(folder, name)]))
    .sort();
}

function licenceText(/** @type {string} */ folder) {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name));
  return file === undefined ? null : readFileSync(join(folder, file), 'utf8');
}

/** Debian ships that text once for all packages, and wants it named, not copied (policy 12.5). */
function withoutApache(/** @type {string | null} */ text) {
  if (text === null || !/^\s*Apache License\s+Version 2\.0/.test(text)) return text;
  return 'Apache License, Version 2.0: see /usr/share/common-licenses/Apache-2.0.';
}

const stanzas = [
  'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: cloudroid\nComment: What the build takes from node_modules is joined with the program in usr/lib/cloudroid/dist.',
  `Files: *\nCopyright: the Cloudroid founders\nLicense: MIT\n${folded(readFileSync(ownLicence, 'utf8'))}`,
];
for (const folder of packagesIn(modules)) {
  const name = folder.slice(modules.length + 1);
  const { license, author, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const isRuntime = name === runtime;
  if (!isRuntime && name.startsWith('node-linux-')) continue;
  const place = isRuntime ? 'usr/lib/cloudroid/node' : `node_modules/${name}/*`;
  const who = typeof author === 'string' ? author : (author?.name ?? `the authors of ${name}`);
  const kind = String(license ?? 'see text').replaceAll(/[()]/g, '');
  const text = withoutApache(licenceText(folder)) ?? `${name} ${version}: ${kind}, as its package.json says.`;
  // One licence name a stanza: the texts name different people.
  stanzas.push(
    `Files: ${place}\nCopyright: ${who.replaceAll('\n', ' ')}\nLicense: ${kind.replaceAll(' ', '-')}-${name.replaceAll(/[@/]/g, '-').replace(/^-/, '')}\n${folded(text)}`,
  );
}
process.stdout.write(`${stanzas.join('\n\n')}\n`);
